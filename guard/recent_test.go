package guard

import (
	"math/rand/v2"
	"testing"

	"autochrome/chunk"
	"autochrome/tree"
)

// someRows makes rows of a column, some of them absent.
func someRows(r *rand.Rand, kind chunk.Kind) *chunk.Rows {
	rows := chunk.NewRows(kind, 3)
	for range 1 + r.IntN(60) {
		switch {
		case kind != chunk.IDs && r.IntN(4) == 0:
			rows.AppendAbsent()
		case kind == chunk.Embeddings:
			rows.AppendVector([]float32{r.Float32(), 0, 1}, [][]bool{nil, {false, true, false}}[r.IntN(2)])
		default:
			text := make([]byte, r.IntN(40))
			for i := range text {
				text[i] = byte('a' + r.IntN(26))
			}
			rows.Append(text)
		}
	}
	return rows
}

func contentOf(rows *chunk.Rows) chunk.ID {
	id, _ := rows.ContentID(chunk.Plain(), nil)
	return id
}

// TestRecent: what is there is what was kept, and the newest is there.
func TestRecent(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	l, err := newRecent(20_000)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[chunk.ID]*chunk.Rows{}
	found, gone := 0, 0
	for range 400 {
		rows := someRows(rnd, chunk.Columns[rnd.IntN(chunk.NumColumns)])
		id := contentOf(rows)
		if id.IsZero() {
			continue
		}
		l.Add(id, rows)
		kept[id] = rows
		if !l.AppendTo(chunk.NewRows(rows.Kind(), 0), tree.Run{Chunk: id, Count: rows.Len()}) {
			t.Fatal("what was kept last is not there")
		}
		for id, want := range kept {
			run := tree.Run{Chunk: id, First: rnd.IntN(want.Len())}
			run.Count = 1 + rnd.IntN(want.Len()-run.First)
			have := chunk.NewRows(want.Kind(), 0)
			if !l.AppendTo(have, run) {
				gone++
				continue
			}
			found++
			if have.Len() != run.Count {
				t.Fatalf("%d rows of %d", have.Len(), run.Count)
			}
			for i := range run.Count {
				if !have.Equal(i, want, run.First+i) {
					t.Fatalf("%v: row %d is another", want.Kind(), run.First+i)
				}
			}
		}
	}
	if found < 1000 || gone < 1000 {
		t.Errorf("%d runs were found and %d were not", found, gone)
	}
	if len(l.chunks) != len(l.order) {
		t.Errorf("%d chunks, %d in order", len(l.chunks), len(l.order))
	}
	newest := l.order[len(l.order)-1]
	for _, bad := range []tree.Run{{Count: 1}, {Chunk: newest}, {Chunk: newest, First: -1, Count: 1}, {Chunk: newest, Count: 1000}} {
		if l.AppendTo(chunk.NewRows(l.chunks[newest].kind, 0), bad) {
			t.Errorf("%+v is found", bad)
		}
	}
	if err := l.close(); err != nil {
		t.Error(err)
	}
	if l.AppendTo(chunk.NewRows(l.chunks[newest].kind, 0), tree.Run{Chunk: newest, Count: 1}) {
		t.Error("a closed file gives rows")
	}
	l.Add(chunk.ID{1}, kept[newest])
	if _, ok := l.chunks[chunk.ID{1}]; ok {
		t.Error("a closed file keeps rows")
	}
}

// TestRecentSpoilt: whatever somebody wrote to the scratch file, its rows can be
// looked at, so that their content id tells.
func TestRecentSpoilt(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range 2000 {
		l, err := newRecent(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		rows := someRows(rnd, chunk.Columns[rnd.IntN(chunk.NumColumns)])
		l.Add(chunk.ID{1}, rows)
		switch rnd.IntN(3) {
		case 0:
			err = l.file.Truncate(rnd.Int64N(l.end))
		case 1:
			_, err = l.file.WriteAt([]byte{byte(rnd.Uint32())}, rnd.Int64N(l.end))
		default:
			_, err = l.file.WriteAt(make([]byte, l.end), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		have := chunk.NewRows(rows.Kind(), 0)
		if l.AppendTo(have, tree.Run{Chunk: chunk.ID{1}, Count: rows.Len()}) && contentOf(have) == contentOf(rows) {
			for i := range rows.Len() {
				if !have.Equal(i, rows, i) {
					t.Fatal("other rows of the same content id")
				}
			}
		}
		if err := l.close(); err != nil {
			t.Fatal(err)
		}
	}
}
