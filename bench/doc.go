// Package bench measures Autochrome on a real Chroma: how long it takes beside
// the least that could be done, how much it stores beside what changed, and
// how much memory it needs. It has no code of its own, only benchmarks, one for
// each row of docs/benchmarks.md, which says how to run and read them.
//
// A benchmark asserts no time. It reports ratios: against a floor or a peer
// that was measured in the same run, in turns with it.
package bench
