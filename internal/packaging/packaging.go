// Package packaging holds the tests of what is delivered: installation,
// container, releases, and that the same source gives the same bytes.
package packaging
