package tree

import "autochrome/chunk"

// What a list of runs may cost. It stands in every later entry of its group, so
// it must stay small beside the rows that it saves; and a group must not lie in
// too many chunks.
const (
	maxList      = 1152 // bytes: 32 chunks of one run each
	maxListShare = 16   // or of the rows' bytes, where that is less: 1/16
	minListShare = 512  // or of the rows' bytes, where that is more: 1/512, which is about one row
)

// place says where a row lies; a zero chunk: nowhere yet.
type place struct {
	chunk chunk.ID
	row   int
}

// follows reports whether rows at o and then at p are one run, or both new.
func (p place) follows(o place) bool {
	return p.chunk == o.chunk && (p.chunk.IsZero() || p.row == o.row+1)
}

// listSize is about how long the list of the runs is that rows of these origins
// lie in: an id for each chunk and a few numbers for each run.
func listSize(origins []place) int {
	chunks := map[chunk.ID]bool{}
	runs := 0
	for i, o := range origins {
		if i == 0 || !o.follows(origins[i-1]) {
			runs++
			chunks[o.chunk] = true
		}
	}
	return chunk.IDSize*len(chunks) + 4*runs
}

// condense keeps the list of runs short for rows of so many bytes. Where it has
// grown too long, the rows in chunks that hold a sixteenth of them at the most
// are to be written anew, together: a row that changes is so written twice or
// thrice in all, and the others stay where they are. Where that is not enough,
// all rows are.
func condense(origins []place, bytes int) {
	limit := max(min(maxList, bytes/maxListShare), bytes/minListShare)
	if listSize(origins) <= limit {
		return
	}
	held := map[chunk.ID]int{}
	for _, o := range origins {
		held[o.chunk]++
	}
	for i, o := range origins {
		if held[o.chunk] <= len(origins)/16 {
			origins[i] = place{}
		}
	}
	if listSize(origins) > limit {
		clear(origins)
	}
}
