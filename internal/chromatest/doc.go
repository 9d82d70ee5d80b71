// Package chromatest runs real Chroma servers for tests and reads them over
// plain HTTP.
//
// Start gives a test a server of its own, which it may kill and restart;
// EachShared runs a test in a fresh database of one server per version that all
// tests of the process share.
//
// It imports no other package of this module: what it reads is the independent
// witness that the others are held against.
package chromatest

// Version names a server by its place in the range Autochrome supports;
// scripts/chroma-install.sh says which releases these are.
type Version string

const (
	Oldest Version = "oldest"
	Newest Version = "newest"
)

// Versions are all that a test of the whole range has to pass on.
var Versions = []Version{Oldest, Newest}
