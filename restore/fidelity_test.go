package restore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/snapshot"
)

// nasty gives records that a server accepts and that are easily spoiled on the
// way, and that many with metadata floats. Arrays only where the server has them.
func nasty(r *rand.Rand, dim int, unit, arrays bool, floats int) map[string]any {
	var ids []string
	var embeddings, documents, metadatas, uris []any
	add := func(id string, document, metadata, uri any) {
		ids = append(ids, id)
		embeddings = append(embeddings, vector(r, dim, unit, len(ids)))
		documents = append(documents, document)
		metadatas = append(metadatas, metadata)
		uris = append(uris, uri)
	}
	add("plain", "a document", map[string]any{"k": "v"}, "file:///x")
	add("nothing", nil, nil, nil)
	add("empty document", "", map[string]any{"": "an empty key is for old servers"}, "")
	add("nul \x00 in id", "nul \x00 in document", map[string]any{"nul\x00key": "nul\x00value"}, "uri\x00")
	add("é", "NFC é", map[string]any{"é": 1}, nil)
	add("e\u0301", "NFD e\u0301", map[string]any{"e\u0301": 2}, nil)
	add("CASE", "upper", nil, nil)
	add("case", "lower", nil, nil)
	add("emoji 🦊", "🦊\u200d🔥 \u2028 \uFFFD \U0010FFFF", map[string]any{"🦊": "🔥"}, "🦊://")
	add(strings.Repeat("long", 2500), strings.Repeat("x", 100_000), nil, nil)
	add("line\nbreak\ttab\"quote\\", "\r\n\b\f\x1f", map[string]any{"a\nb": "c\"d\\e"}, nil)
	add("integers", nil, map[string]any{
		"max": json.Number("9223372036854775807"), "min": json.Number("-9223372036854775808"),
		"zero": 0, "one": 1, "float one": json.Number("1.0"), "2^53+1": json.Number("9007199254740993"),
	}, nil)
	add("bools", nil, map[string]any{"t": true, "f": false, "string true": "true"}, nil)
	if arrays {
		add("arrays", nil, map[string]any{
			"s": []string{"b", "a", "b"}, "i": []json.Number{"3", "1", "9223372036854775807"},
			"f": []json.Number{"0.1", "2.5", "1e300"}, "b": []bool{true, false, true},
		}, nil)
	}
	for i := range floats {
		m := map[string]any{}
		for k := range 5 {
			m[fmt.Sprint("f", k)] = anyFloat(r)
		}
		add(fmt.Sprintf("floats-%d", i), fmt.Sprint("document ", i), m, nil)
	}
	if !arrays {
		metadatas[2] = map[string]any{"": "an empty key", "#hash": 1, "$dollar": 2}
	} else {
		metadatas[2] = map[string]any{"x": "newer servers take no empty key"}
	}
	return map[string]any{"ids": ids, "embeddings": embeddings, "documents": documents, "metadatas": metadatas, "uris": uris}
}

// anyFloat gives metadata floats of every magnitude.
func anyFloat(r *rand.Rand) json.Number {
	var f float64
	switch r.IntN(4) {
	case 0:
		for f = math.NaN(); math.IsNaN(f) || math.IsInf(f, 0) || f == 0; {
			f = math.Float64frombits(r.Uint64())
		}
	case 1:
		f = r.Float64() * math.Pow(10, float64(r.IntN(24)-12))
	case 2:
		f = r.NormFloat64()
	default:
		f = float64(r.IntN(1000)) / 100
	}
	s := fmt.Sprintf("%.17g", f)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return json.Number(s)
}

func vector(r *rand.Rand, dim int, unit bool, n int) []float32 {
	v := make([]float32, dim)
	sum := 0.0
	for i := range v {
		v[i] = float32(r.NormFloat64() * 3.7)
		sum += float64(v[i]) * float64(v[i])
	}
	switch {
	case n == 5:
		clear(v) // the zero vector
	case n == 6 && dim > 3:
		v[1], v[2] = float32(math.Copysign(0, -1)), 1e-40 // a negative zero, a denormal
	case unit:
		for i := range v {
			v[i] = float32(float64(v[i]) / math.Sqrt(sum))
		}
	}
	return v
}

// destroy spoils a collection in one way.
type destroy struct {
	name string
	do   func(c *chromatest.Client, name, id string, records []chromatest.RawRecord)
}

func idsOf(records []chromatest.RawRecord, every, offset int) []string {
	var out []string
	for i, r := range records {
		if i%every == offset {
			out = append(out, r.ID)
		}
	}
	return out
}

func each(n int, v any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

var ways = []destroy{
	{"deleted", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		c.Delete(id, map[string]any{"ids": idsOf(records, 3, 0)})
	}},
	{"emptied", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		c.Delete(id, map[string]any{"ids": idsOf(records, 1, 0)})
	}},
	{"upserted with other keys", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		ids := idsOf(records, 2, 1)
		dim := len(records[0].Embedding)
		r := rand.New(rand.NewPCG(7, 7))
		var vs []any
		for range ids {
			vs = append(vs, vector(r, dim, false, 100))
		}
		c.Upsert(id, map[string]any{
			"ids": ids, "embeddings": vs, "documents": each(len(ids), "overwritten"),
			"metadatas": each(len(ids), map[string]any{"other": 1, "k": json.Number("2.5"), "f0": "now a string"}),
			"uris":      each(len(ids), "http://over.written"),
		})
	}},
	{"metadata key added", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		ids := idsOf(records, 1, 0)
		c.Update(id, map[string]any{"ids": ids, "metadatas": each(len(ids), map[string]any{"schema_version": 2})})
	}},
	{"metadata keys removed", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		ids := idsOf(records, 2, 0)
		c.Update(id, map[string]any{"ids": ids, "metadatas": each(len(ids), map[string]any{"f0": nil, "f1": nil, "k": nil, "t": nil})})
	}},
	{"document added where there was none", func(c *chromatest.Client, _, id string, _ []chromatest.RawRecord) {
		c.Update(id, map[string]any{"ids": []string{"nothing", "integers"}, "documents": []string{"new", ""}, "uris": []string{"u", "v"}})
	}},
	{"document removed", func(c *chromatest.Client, _, id string, records []chromatest.RawRecord) {
		r := records[0]
		c.Delete(id, map[string]any{"ids": []string{r.ID}})
		v := make([]float32, len(r.Embedding))
		for i, x := range r.Embedding {
			v[i] = *x
		}
		c.Add(id, map[string]any{"ids": []string{r.ID}, "embeddings": []any{v}})
	}},
	{"dropped", func(c *chromatest.Client, name, _ string, _ []chromatest.RawRecord) { c.DeleteCollection(name) }},
	{"created anew in another space", func(c *chromatest.Client, name, _ string, records []chromatest.RawRecord) {
		c.DeleteCollection(name)
		id := c.CreateCollection(name, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "ip"}}})
		v := make([]float32, len(records[0].Embedding))
		c.Add(id, map[string]any{"ids": []string{"plain", "stranger"}, "embeddings": []any{v, v}})
	}},
	{"created anew with another dimension", func(c *chromatest.Client, name, _ string, _ []chromatest.RawRecord) {
		c.DeleteCollection(name)
		id := c.CreateCollection(name, map[string]any{})
		c.Add(id, map[string]any{"ids": []string{"plain"}, "embeddings": []any{[]float32{1, 2}}})
	}},
}

// TestFidelity snapshots collections of the nastiest records, destroys them in
// every way, rolls back, and compares with what an independent reader saw.
func TestFidelity(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		arrays := c.Server.Version == chromatest.Newest
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		before := map[string][]chromatest.RawRecord{}
		ids := map[string]string{}
		for _, space := range []string{"l2", "ip", "cosine"} {
			for _, dim := range []int{3, 8, 384, 1536} {
				for _, unit := range []bool{true, false} {
					if dim == 1536 && unit && space != "cosine" {
						continue
					}
					name := fmt.Sprintf("%s-%d-%v", space, dim, unit)
					ids[name] = c.CreateCollection(name, map[string]any{
						"metadata":      map[string]any{"description": "nasty", "n": 1, "x": 0.25},
						"configuration": map[string]any{"hnsw": map[string]any{"space": space, "ef_search": 77}},
					})
					c.Add(ids[name], nasty(r, dim, unit, arrays, 300))
					before[name] = c.Dump(name)
				}
			}
		}
		db, err := chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		rp, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		taken, err := snapshot.Take(t.Context(), rp, db, snapshot.Options{})
		if err != nil {
			t.Fatal(err)
		}
		way := 0
		for name, records := range before {
			w := ways[way%len(ways)]
			way++
			t.Logf("%s: %s", name, w.name)
			w.do(c, name, ids[name], records)
		}
		rep, err := restore.Rollback(t.Context(), rp, db, taken.Snapshot, restore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, rep, before)
		again, err := restore.Rollback(t.Context(), rp, db, taken.Snapshot, restore.Options{DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		if a, u, d := again.Plan.Totals(); a+u+d != 0 && len(rep.Applied.Inexact) == 0 || !again.Plan.Empty() && len(rep.Applied.Inexact) == 0 {
			t.Errorf("a second rollback would add %d, update %d, delete %d", a, u, d)
		}
		compareAll(t, c, rep, before)
	})
}

// checkReport demands that what is not exact is named, and rare.
func checkReport(t *testing.T, rep restore.Report, before map[string][]chromatest.RawRecord) {
	t.Helper()
	floats := 0
	for _, records := range before {
		floats += 5 * len(records)
	}
	for _, x := range rep.Applied.Inexact {
		t.Logf("inexact: %+v", x)
		if x.Distance == "" {
			t.Errorf("%s is not exact, and nothing says how far off it is", x.ID)
		}
	}
	if n := len(rep.Applied.Inexact); n > max(2, floats/2000) {
		t.Errorf("%d of %d floats were not solved", n, floats)
	}
	if len(rep.Applied.Refused) > 0 {
		t.Errorf("refused: %+v", rep.Applied.Refused)
	}
	if rep.Compared == nil || rep.Compared.Differences > len(rep.Applied.Inexact) {
		t.Errorf("compared: %+v", rep.Compared)
	}
}

// compareAll compares, by id and field, with what stood there before.
func compareAll(t *testing.T, c *chromatest.Client, rep restore.Report, before map[string][]chromatest.RawRecord) {
	t.Helper()
	inexact := map[string]bool{}
	for _, x := range rep.Applied.Inexact {
		inexact[x.ID] = true
	}
	for name, want := range before {
		byID := map[string]chromatest.RawRecord{}
		for _, r := range c.Dump(name) {
			byID[r.ID] = r
		}
		if len(byID) != len(want) {
			t.Errorf("%s: %d records, want %d", name, len(byID), len(want))
		}
		for _, w := range want {
			g, ok := byID[w.ID]
			if !ok {
				t.Errorf("%s: %q is missing", name, w.ID)
				continue
			}
			if wt, gt := rawText(w), rawText(g); wt != gt && !inexact[w.ID] {
				t.Errorf("%s: %.40q\nhave %.600s\nwant %.600s", name, w.ID, gt, wt)
			}
		}
	}
}

// rawText writes a record so that equal text means equal to the last bit.
func rawText(r chromatest.RawRecord) string {
	var b strings.Builder
	for _, x := range r.Embedding {
		if x == nil {
			b.WriteString("null ")
		} else {
			fmt.Fprintf(&b, "%08x ", math.Float32bits(*x))
		}
	}
	m, _ := json.Marshal(r.Metadata) // keys sorted, numbers as their tokens
	d, _ := json.Marshal(r.Document)
	u, _ := json.Marshal(r.URI)
	return fmt.Sprintf("%s %s %s %s", m, d, u, b.String())
}
