// Package watch does jobs again and again, each by its own rhythm: the
// scheduler behind the command of that name. It knows nothing of snapshots.
//
// Start with Run and Job.
//
// The rules:
//
//   - One job at a time, in the order in which they fell due; of several due at
//     the same time, the first of the list. A job never overlaps with itself.
//   - A tick that passes while the job itself runs is skipped and counted.
//   - Ticks that passed while nothing could run (the machine slept, the process
//     was stopped) count as one, which is made up for at once.
//   - A job that failed is tried again before its next tick: after Retry, then
//     twice as long, up to RetryMax. It is never given up.
//   - When the clock is set back, jobs fall due by the new time.
package watch
