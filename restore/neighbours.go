package restore

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"autochrome/chunk"
	"autochrome/tree"
)

// neighbours is how many nearest records are asked for.
const neighbours = 10

// probe is a record whose neighbours are asked for.
type probe struct {
	id     string
	vector []float32
	norm   float64 // length of the vector
}

// chosen is a record of a sample, by the hash of its id.
type chosen struct {
	hash  chunk.ID
	start int64 // of its group
	row   int
}

// sample is a heap with the largest hash on top.
type sample []chosen

func (s sample) Len() int           { return len(s) }
func (s sample) Less(i, j int) bool { return bytes.Compare(s[i].hash[:], s[j].hash[:]) > 0 }
func (s sample) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *sample) Push(x any)        { *s = append(*s, x.(chosen)) }
func (s *sample) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}

// probesOf chooses n records of a collection: those with the smallest hashes of
// their ids, so that it is the same ones each time, and as good as at random.
// Damaged ones are left out.
func probesOf(ctx context.Context, r *tree.Reader, c tree.Collection, n int) ([]probe, error) {
	var s sample
	err := r.Groups(ctx, c, func(start int64, g tree.Group) error {
		ids, err := r.Column(ctx, g, chunk.IDs)
		if err != nil {
			return err
		}
		for row := range ids.Len() {
			id, _ := ids.Row(row)
			x := chosen{chunk.FileHash(id), start, row}
			if len(s) == n && bytes.Compare(x.hash[:], s[0].hash[:]) > 0 {
				continue
			}
			if heap.Push(&s, x); len(s) > n {
				heap.Pop(&s)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s, func(a, b chosen) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.row, b.row)) })
	var probes []probe
	err = r.Groups(ctx, c, func(start int64, g tree.Group) error {
		if len(s) == 0 || s[0].start != start {
			return nil
		}
		recs, err := r.Records(ctx, g, chunk.IDs, chunk.Embeddings)
		if err != nil {
			return err
		}
		for ; len(s) > 0 && s[0].start == start; s = s[1:] {
			if recs.Damage(s[0].row) != "" {
				continue
			}
			rec, err := recs.Record(s[0].row)
			if err != nil {
				return err
			}
			probes = append(probes, probe{rec.ID, rec.Embedding, length(rec.Embedding)})
		}
		return nil
	})
	return probes, err
}

func length(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// outcome is how well a server answered.
type outcome struct {
	recall   float64  // the share of the nearest records that it gave, 0 to 1
	notFound []string // probes that it did not give though they are their own nearest
}

// nearest is what a pass over all records finds for one probe.
type nearest struct {
	best   []float64          // the distances of the nearest, in order
	given  map[string]float64 // of those that the server gave
	itself float64            // of the probe's own record; NaN: it is not there
}

// exact compares what a server answered with the nearest records of a
// collection, which one pass over its embeddings finds. Records that are as near
// as the last of the nearest count as well as that.
func exact(ctx context.Context, r *tree.Reader, c tree.Collection, space string, probes []probe, answers [][]string) (outcome, error) {
	found := make([]nearest, len(probes))
	for i, ids := range answers {
		found[i] = nearest{given: make(map[string]float64, len(ids)), itself: math.NaN()}
		for _, id := range ids {
			found[i].given[id] = math.Inf(1)
		}
	}
	records := 0
	err := r.Groups(ctx, c, func(_ int64, g tree.Group) error {
		recs, err := r.Records(ctx, g, chunk.IDs, chunk.Embeddings)
		if err != nil {
			return err
		}
		vectors := recs.Column(chunk.Embeddings)
		v := make([]float32, vectors.Dim())
		for row := range recs.Len() {
			if recs.Damage(row) != "" {
				continue
			}
			records++
			raw, _ := vectors.Row(row)
			for i := range v {
				v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
			}
			norm := length(v)
			for i, p := range probes {
				found[i].see(p, recs.ID(row), distance(space, p, v, norm))
			}
		}
		return ctx.Err()
	})
	if err != nil || records == 0 {
		return outcome{recall: 1}, err
	}
	var out outcome
	given, wanted := 0, 0
	for i, p := range probes {
		f := found[i]
		last := f.best[len(f.best)-1]
		within := last + tolerance(space, p, last)
		hits := 0
		for _, d := range f.given {
			if d <= within {
				hits++
			}
		}
		given, wanted = given+min(hits, len(f.best)), wanted+len(f.best)
		_, there := f.given[p.id]
		needed := records <= neighbours || f.itself+tolerance(space, p, last) < last
		if !there && !math.IsNaN(f.itself) && needed {
			out.notFound = append(out.notFound, p.id)
		}
	}
	out.recall = float64(given) / float64(wanted)
	return out, nil
}

func (n *nearest) see(p probe, id []byte, d float64) {
	if _, ok := n.given[string(id)]; ok {
		n.given[string(id)] = d
	}
	if string(id) == p.id {
		n.itself = d
	}
	if len(n.best) == neighbours && d >= n.best[neighbours-1] {
		return
	}
	at, _ := slices.BinarySearch(n.best, d)
	n.best = slices.Insert(n.best, at, d)
	n.best = n.best[:min(len(n.best), neighbours)]
}

// distance is Chroma's: the square of the Euclidean one, or one less the inner
// product, or that of the unit vectors.
func distance(space string, p probe, v []float32, norm float64) float64 {
	sum := 0.0
	if space == "ip" || space == "cosine" {
		for i, x := range p.vector {
			sum += float64(x) * float64(v[i])
		}
		if space == "cosine" {
			if norm == 0 || p.norm == 0 {
				return 1
			}
			sum /= norm * p.norm
		}
		return 1 - sum
	}
	for i, x := range p.vector {
		d := float64(x) - float64(v[i])
		sum += d * d
	}
	return sum
}

// tolerance is how far the server's distances, which it computes in single
// precision, may be from ours.
func tolerance(space string, p probe, d float64) float64 {
	const precision = 1e-5
	switch space {
	case "cosine":
		return precision
	case "ip":
		return precision * (math.Abs(d) + 1 + p.norm*p.norm)
	}
	return precision * math.Abs(d)
}
