package restore_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"autochrome/chroma"
	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

// TestModel writes to a real server at random, takes snapshots and rolls back
// to them, wholly and in parts, and compares the server with a model of it
// after each step. AUTOCHROME_TEST_STEPS says how many steps, and
// AUTOCHROME_TEST_SEED which.
func TestModel(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		steps, err := strconv.Atoi(cmp.Or(os.Getenv("AUTOCHROME_TEST_STEPS"), "100"))
		if err != nil {
			t.Fatal(err)
		}
		seed, err := strconv.ParseUint(cmp.Or(os.Getenv("AUTOCHROME_TEST_SEED"), strconv.FormatUint(rand.Uint64(), 10)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("AUTOCHROME_TEST_SEED=%d", seed)
		w := &walk{T: t, c: c, rnd: rand.New(rand.NewPCG(seed, 0)), live: model{}, done: map[string]int{}}
		w.db, w.r = opened(t, c, c.Server.URL())
		for i := range steps {
			what := w.step()
			w.done[what]++
			if !w.compare() {
				t.Fatalf("step %d: %s", i, what)
			}
		}
		t.Logf("steps: %v", w.done)
	})
}

// walk is a random walk through what can be done to a database.
type walk struct {
	*testing.T
	c     *chromatest.Client
	db    *chroma.Database
	r     *repo.Repository
	rnd   *rand.Rand
	live  model
	taken []point
	names int
	done  map[string]int
}

// point is a snapshot and what it held.
type point struct {
	snapshot repo.Snapshot
	held     model
}

const keptPoints = 12

// step does one thing and says which.
func (w *walk) step() string {
	steps := []struct {
		weight int
		what   string
		do     func()
	}{
		{20, "add", func() { w.write("add", (*modelled).add) }},
		{20, "upsert", func() { w.write("upsert", (*modelled).upsert) }},
		{15, "update", func() { w.write("update", (*modelled).update) }},
		{10, "delete", w.delete},
		{3, "delete where", w.deleteWhere},
		{4, "create", w.create},
		{3, "drop", w.drop},
		{4, "rename", w.rename},
		{2, "exchange names", w.exchange},
		{3, "describe", w.describe},
		{8, "snapshot", w.take},
		{6, "rollback", func() { w.rollback(false) }},
		{4, "rollback of collections", func() { w.rollback(true) }},
		{4, "rollback of ids", func() { w.part(true, false) }},
		{3, "rollback of columns", func() { w.part(false, true) }},
		{2, "rollback of columns of ids", func() { w.part(true, true) }},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := w.rnd.IntN(total)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do()
			return s.what
		}
	}
	panic("weights do not add up")
}

// compare demands that the server holds what the model says.
func (w *walk) compare() bool {
	w.Helper()
	var listed []struct {
		ID, Name string
		Metadata map[string]any
	}
	status, answer := w.c.Server.Do(w.T, "GET", w.c.Path(), nil)
	if err := json.Unmarshal(answer, &listed); status != 200 || err != nil {
		w.Fatalf("list: %d %s", status, answer)
	}
	got := model{}
	for _, l := range listed {
		got[l.Name] = &modelled{id: l.ID, metadata: l.Metadata, records: byID(w.c.Dump(l.Name))}
	}
	if g, m := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(w.live)); !slices.Equal(g, m) {
		w.Errorf("there are collections %q, want %q", g, m)
		return false
	}
	for name, want := range w.live {
		g := got[name]
		described := w.c.Collection(name)
		g.space, want.filled = space(described), described["dimension"] != nil
		if want.id == "" {
			want.id = g.id
		}
		if g.id != want.id {
			w.Errorf("%s: was made anew", name)
		}
		have, wanted := g.text(), want.text()
		for id := range wanted {
			if have[id] != wanted[id] {
				w.Errorf("%s: %q\nhave %.600s\nwant %.600s", name, id, have[id], wanted[id])
			}
		}
		for id := range have {
			if _, ok := wanted[id]; !ok {
				w.Errorf("%s: %q should not be there", name, id)
			}
		}
	}
	return !w.Failed()
}

func space(description map[string]any) string {
	configuration, _ := description["configuration_json"].(map[string]any)
	hnsw, _ := configuration["hnsw"].(map[string]any)
	s, _ := hnsw["space"].(string)
	return s
}

// any gives a collection of the live state, if there is one.
func (w *walk) any() (string, *modelled) {
	names := slices.Sorted(maps.Keys(w.live))
	if len(names) == 0 {
		return "", nil
	}
	name := names[w.rnd.IntN(len(names))]
	return name, w.live[name]
}

const ids = 30

func (w *walk) distinct(most int) []string {
	perm := w.rnd.Perm(ids)[:1+w.rnd.IntN(most)]
	out := make([]string, len(perm))
	for i, n := range perm {
		out[i] = fmt.Sprintf("r%02d", n)
	}
	return out
}

func (w *walk) write(verb string, change func(*modelled, []written)) {
	_, m := w.any()
	if m == nil {
		return
	}
	var ws []written
	body := map[string][]any{"ids": nil, "metadatas": nil, "documents": nil, "uris": nil}
	embeddings := verb != "update" || w.rnd.IntN(2) == 0
	for _, id := range w.distinct(12) {
		x := written{id: id, metadata: w.metadata(verb != "add")}
		if w.rnd.IntN(2) == 0 {
			x.document = w.text("document")
		}
		if w.rnd.IntN(4) == 0 {
			x.uri = w.text("uri")
		}
		if embeddings {
			x.embedding = w.embedding(m.space)
			body["embeddings"] = append(body["embeddings"], x.embedding)
		}
		body["ids"] = append(body["ids"], id)
		body["documents"], body["uris"] = append(body["documents"], x.document), append(body["uris"], x.uri)
		body["metadatas"] = append(body["metadatas"], x.metadata)
		ws = append(ws, x)
	}
	sent := map[string]any{}
	for k, v := range body {
		sent[k] = v
	}
	switch verb {
	case "add":
		w.c.Add(m.id, sent)
	case "upsert":
		w.c.Upsert(m.id, sent)
	case "update":
		w.c.Update(m.id, sent)
	}
	change(m, ws)
}

func (w *walk) text(what string) *string {
	s := ""
	if w.rnd.IntN(6) > 0 {
		s = fmt.Sprintf("%s %d \u00e9\x00\n", what, w.rnd.IntN(5))
	}
	return &s
}

// embedding gives components that every space stores as they are: in cosine
// space those of a vector along an axis whose length is a power of two.
func (w *walk) embedding(space string) []*float32 {
	v := make([]float32, 4)
	if space == "cosine" {
		v[w.rnd.IntN(4)] = float32(math.Ldexp(1-2*float64(w.rnd.IntN(2)), w.rnd.IntN(9)-4))
	} else {
		for i := range v {
			v[i] = float32(w.rnd.NormFloat64())
		}
	}
	out := make([]*float32, len(v))
	for i := range v {
		out[i] = &v[i]
	}
	return out
}

// metadata gives values of all types that read back as they are, and nulls that
// remove keys.
func (w *walk) metadata(nulls bool) map[string]any {
	if w.rnd.IntN(4) == 0 {
		return nil
	}
	out := map[string]any{}
	for range w.rnd.IntN(5) {
		k := fmt.Sprint("k", w.rnd.IntN(6))
		switch n := w.rnd.IntN(8); {
		case n < 2:
			out[k] = fmt.Sprint("value ", w.rnd.IntN(9))
		case n == 2:
			out[k] = json.Number(fmt.Sprint(w.rnd.Int64()))
		case n == 3:
			out[k] = json.Number(fmt.Sprintf("%d.25", w.rnd.IntN(1000)))
		case n == 4:
			out[k] = w.rnd.IntN(2) == 0
		case n == 5 && w.c.Server.Version == chromatest.Newest:
			out[k] = []any{"b", "a", fmt.Sprint(w.rnd.IntN(9)), "a"}
		case n > 5 && nulls:
			out[k] = nil
		}
	}
	return out
}

func (w *walk) delete() {
	_, m := w.any()
	if m == nil {
		return
	}
	gone := w.distinct(8)
	w.c.Delete(m.id, map[string]any{"ids": gone})
	for _, id := range gone {
		delete(m.records, id)
	}
}

func (w *walk) deleteWhere() {
	_, m := w.any()
	if m == nil {
		return
	}
	value := w.rnd.IntN(2) == 0
	w.c.Delete(m.id, map[string]any{"where": map[string]any{"k1": map[string]any{"$eq": value}}})
	maps.DeleteFunc(m.records, func(_ string, r chromatest.RawRecord) bool { return r.Metadata["k1"] == value })
}

func (w *walk) newName() string {
	if w.rnd.IntN(2) == 0 { // one that others had
		if name := fmt.Sprint("name-", w.rnd.IntN(6)); w.live[name] == nil {
			return name
		}
	}
	w.names++
	return fmt.Sprint("new-", w.names)
}

func (w *walk) create() {
	if len(w.live) > 4 {
		return
	}
	name := w.newName()
	m := &modelled{space: []string{"l2", "cosine", "ip"}[w.rnd.IntN(3)], records: map[string]chromatest.RawRecord{}}
	body := map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": m.space}}}
	if w.rnd.IntN(2) == 0 {
		m.metadata = map[string]any{"made": name}
		body["metadata"] = m.metadata
	}
	m.id = w.c.CreateCollection(name, body)
	w.live[name] = m
}

func (w *walk) drop() {
	name, m := w.any()
	if m == nil {
		return
	}
	drop(w.c, name)
	delete(w.live, name)
}

func (w *walk) put(id string, body map[string]any) {
	if status, answer := w.c.Server.Do(w.T, "PUT", w.c.Path(id), body); status != 200 {
		w.Fatalf("PUT %v: %d %s", body, status, answer)
	}
}

func (w *walk) rename() {
	name, m := w.any()
	if m == nil {
		return
	}
	to := w.newName()
	w.put(m.id, map[string]any{"new_name": to})
	delete(w.live, name)
	w.live[to] = m
}

func (w *walk) exchange() {
	a, one := w.any()
	b, two := w.any()
	if a == b {
		return
	}
	w.put(one.id, map[string]any{"new_name": "between"})
	w.put(two.id, map[string]any{"new_name": a})
	w.put(one.id, map[string]any{"new_name": b})
	w.live[a], w.live[b] = two, one
}

func (w *walk) describe() {
	_, m := w.any()
	if m == nil {
		return
	}
	m.metadata = map[string]any{"said": fmt.Sprint(w.rnd.IntN(4)), "owner": "somebody"}
	w.put(m.id, map[string]any{"new_metadata": m.metadata})
}

func (w *walk) keep(s repo.Snapshot, held model) {
	w.taken = append(w.taken, point{s, held})
	if len(w.taken) > keptPoints {
		w.taken = slices.Delete(w.taken, 1, 2) // the first one stays, and gets old
	}
}

func (w *walk) take() {
	held, o := w.live.clone(), snapshot.Options{AllowShrink: true}
	if w.rnd.IntN(4) == 0 {
		o.Collections = w.some(held)
	}
	res, err := snapshot.Take(w.Context(), w.r, w.db, o)
	if err != nil {
		w.Fatal(err)
	}
	maps.DeleteFunc(held, func(name string, _ *modelled) bool {
		return o.Collections != nil && !slices.Contains(o.Collections, name)
	})
	w.keep(res.Snapshot, held)
}

// some gives names of collections; nil where there are none.
func (w *walk) some(m model) []string {
	names := slices.Sorted(maps.Keys(m))
	if len(names) == 0 {
		return nil
	}
	w.rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:1+w.rnd.IntN(len(names))]
	slices.Sort(names)
	return names
}

// rollback goes back to a snapshot, to all of it or to some collections, and
// has nothing left to do then.
func (w *walk) rollback(some bool) {
	if len(w.taken) == 0 {
		return
	}
	p := w.taken[w.rnd.IntN(len(w.taken))]
	o := restore.Options{DropExtra: true}
	if some {
		o.Collections = w.some(p.held)
	}
	before := w.live
	w.live = before.rollback(p.snapshot, p.held, o.Collections)
	rep := w.run(p, o)
	if p.snapshot.Scope.Collections == nil && o.Collections == nil {
		w.keep(*rep.PreRollback, before)
	}
}

func (w *walk) part(byID, columns bool) {
	if len(w.taken) == 0 {
		return
	}
	p := w.taken[w.rnd.IntN(len(w.taken))]
	o := restore.Options{}
	if columns {
		all := []chunk.Kind{chunk.Embeddings, chunk.Documents, chunk.Metadatas, chunk.URIs}
		w.rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		o.Only = all[:1+w.rnd.IntN(3)]
	}
	if byID {
		o.IDs = w.known(p.held)
		if len(o.IDs) == 0 {
			return
		}
	}
	want, clash := w.live.part(p.held, o.IDs, o.Only)
	if clash {
		return
	}
	w.live = want
	w.run(p, o)
}

// known gives ids that a snapshot or the database has.
func (w *walk) known(held model) []string {
	there := map[string]bool{}
	for _, m := range []model{held, w.live} {
		for name, c := range m {
			pairs := w.live.pairs(held)
			if paired := slices.Contains(slices.Collect(maps.Values(pairs)), name); held[name] == nil && !paired {
				continue
			}
			for id := range c.records {
				there[id] = true
			}
		}
	}
	return slices.DeleteFunc(w.distinct(6), func(id string) bool { return !there[id] })
}

func (w *walk) run(p point, o restore.Options) restore.Report {
	w.Helper()
	rep, err := restore.Rollback(w.Context(), w.r, w.db, p.snapshot, o)
	if err != nil {
		w.Fatalf("rollback to %s, %+v: %v", p.snapshot.DisplayID(), o, err)
	}
	for _, c := range rep.Plan.Collections {
		if c.Reason != "" {
			w.Logf("rollback to %s: %s: %s: %s", p.snapshot.DisplayID(), c.Name, c.Action, c.Reason)
		}
	}
	if !rep.Verified() {
		w.Errorf("rollback to %s, %+v: %+v", p.snapshot.DisplayID(), o, rep.Compared)
	}
	o.DryRun = true
	again, err := restore.Rollback(w.Context(), w.r, w.db, p.snapshot, o)
	if err != nil || !again.Plan.Empty() {
		w.Errorf("a second rollback to %s would not be empty: %v %+v", p.snapshot.DisplayID(), err, again.Plan)
	}
	return rep
}
