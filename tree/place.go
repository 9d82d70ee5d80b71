package tree

import (
	"math"

	"autochrome/chunk"
)

// What a list of runs may cost. It stands in every later entry of its group, so
// it must stay small beside what it saves; and a group must not lie in too many
// chunks.
const (
	maxList      = 1152 // bytes: 32 chunks of one run each
	minListShare = 512  // or of the rows' bytes, where that is more: 1/512, which is about one row
	listStep     = 36   // bytes by which a change of one row lengthens a list: an id and a run
)

// storedPercent is about how much of a kind's canonical bytes is left when they
// are compressed, as measured on real texts; ids that are hashes do not compress.
var storedPercent = [...]int{
	chunk.IDs: 50, chunk.Embeddings: 83, chunk.Documents: 40, chunk.Metadatas: 10, chunk.URIs: 25,
	chunk.Groups: 100, chunk.Nodes: 100, chunk.Collections: 100,
}

// listLimit is how long a list of runs may be for rows of so many canonical
// bytes. A list that grows by listStep with each change up to L costs each
// change L/2 on average, and writing the rows anew, S bytes as stored, costs
// each S·listStep/L: the sum is least where L² = 2·listStep·S.
func listLimit(kind chunk.Kind, bytes int) int {
	stored := bytes * storedPercent[kind] / 100
	best := int(math.Sqrt(2 * listStep * float64(stored)))
	return max(min(best, stored/2, maxList), bytes/minListShare)
}

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
func condense(kind chunk.Kind, origins []place, bytes int) {
	limit := listLimit(kind, bytes)
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
