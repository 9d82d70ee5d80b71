// Package deflate packs JSON with long arrays of decimal numbers as gzip, faster
// than programs that do not know what they pack, and no larger ([Writer]). The
// bytes are ordinary gzip and depend on the input alone.
//
// Digits of vectors are noise: nearly all matches that a search finds in them
// save less than they take, and the search is what takes the time. What repeats
// is how a number begins (",-0.0"). So in runs of numbers a match begins at a
// comma and nowhere else, and all digits behind it are literals. Everything else
// is text and is searched as ever. The two have symbols of their own: a block of
// Huffman codes ends where the other kind begins, if that is shorter.
package deflate

const (
	// window is how far back a match may lie.
	window = 32 << 10
	// part is how many bytes are packed at once, by one processor. It decides about
	// the bytes that come out: no match and no block crosses from one to the next,
	// but for matches that lie back.
	part = 1 << 20
	// parts bounds what is packed at once.
	parts = 4

	minMatch  = 4 // of text
	minPrefix = 3 // of a number
	maxMatch  = 258

	// blockTokens ends a block: symbols change with the text.
	blockTokens = 32 << 10
	// numberRun is from which length on characters of numbers are a run of them.
	numberRun = 64
)
