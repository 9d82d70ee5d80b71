package chroma

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"autochrome/internal/chromatest"
)

func streamIDs(answer string, in func(*strings.Reader) *idStream) ([]string, error) {
	ids := []string{}
	s := in(strings.NewReader(answer))
	s.fn = func(id []byte) error {
		ids = append(ids, string(id))
		return nil
	}
	err := s.run()
	return ids, err
}

// readers cut the answer in different ways.
var readers = map[string]func(*strings.Reader) *idStream{
	"whole":    func(r *strings.Reader) *idStream { return &idStream{in: r} },
	"bytes":    func(r *strings.Reader) *idStream { return &idStream{in: iotest.OneByteReader(r)} },
	"halves":   func(r *strings.Reader) *idStream { return &idStream{in: iotest.HalfReader(r)} },
	"with EOF": func(r *strings.Reader) *idStream { return &idStream{in: iotest.DataErrReader(r)} },
}

func TestIDStream(t *testing.T) {
	long := strings.Repeat("long\\\\ \\\" id é ", 20000)
	for answer, want := range map[string][]string{
		`{"ids":["a","b"],"embeddings":null,"documents":null,"uris":null,"metadatas":null,"include":[]}`:       {"a", "b"},
		` { "include" : [ "x" , {"a":[1,-2.5e7,true]} , "]" ] , "ids" : [ "é\n\u0000\ud83d\ude00" ] } ` + "\n": {"é\n\x00😀"},
		`{"ids":[],"x":12.5,"y":false,"z":{}}`: {},
		`{"z":"\\\"","ids":["\\","\""]}`:       {`\`, `"`},
		`{"\u0069ds":["a"]}`:                   {"a"},
		`{"ids":["` + long + `"]}`:             {strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(long)},
	} {
		for name, in := range readers {
			got, err := streamIDs(answer, in)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %.100q: %.100q, %v", name, answer, got, err)
			}
		}
	}
	for _, answer := range []string{
		``, `null`, `[]`, `{}`, `{"include":[]}`, `{"ids":null}`, `{"ids":{}}`, `{"ids":["a",]}`, `{"ids":["a"],}`, `{"ids":[""]}`, `{"ids":[1]}`, `{"ids":[null]}`,
		`{"ids":["a"]`, `{"ids":["a"`, `{"ids":["a`, `{"ids":["a\`, `{"ids":["a"]}}`, `{"ids":["a"]} x`, `{"ids":["a"],"ids":["a"]}`, `{"ids":["\ud800"]}`, "{\"ids\":[\"\xff\"]}", "{\"ids\":[\"\n\"]}",
		`{"x":nul,"ids":[]}`, `{"x":01,"ids":[]}`, `{"x":,"ids":[]}`, `{"x" 1,"ids":[]}`, `{"x":[1 2],"ids":[]}`, `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `,"ids":[]}`, `<html>`, `{"error":"x"}`,
	} {
		for name, in := range readers {
			if got, err := streamIDs(answer, in); err == nil {
				t.Errorf("%s: %.100q: %q and no error", name, answer, got)
			}
		}
	}
}

func TestIDStreamGenerated(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	letters := []rune("ab\"\\\n\x00é😀 ")
	for range 50 {
		want := make([]string, 1+r.IntN(300))
		quoted := make([]string, len(want))
		for i := range want {
			id := make([]rune, 1+r.IntN(1<<r.IntN(12)))
			for k := range id {
				id[k] = letters[r.IntN(len(letters))]
			}
			want[i] = string(id)
			quoted[i] = string(appendQuoted(nil, []byte(want[i])))
		}
		answer := `{"ids":[` + strings.Join(quoted, ",") + `]}`
		for name, in := range readers {
			got, err := streamIDs(answer, in)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func TestIDStreamEndsWhereItIsTold(t *testing.T) {
	stop := errors.New("stop")
	n := 0
	s := idStream{in: strings.NewReader(`{"ids":["a","b","c"]}`), fn: func([]byte) error {
		if n++; n == 2 {
			return stop
		}
		return nil
	}}
	if err := s.run(); !errors.Is(err, stop) || n != 2 {
		t.Errorf("%v after %d", err, n)
	}
	broken := errors.New("broken")
	s = idStream{in: iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(`{"ids":["a"]}`))), fn: s.fn}
	if err := s.run(); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%v", err)
	}
	s = idStream{in: iotest.ErrReader(broken), fn: s.fn}
	if err := s.run(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestIDStreamMemory: the window does not grow with the number of ids.
func TestIDStreamMemory(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"ids":["0"`)
	const n = 200_000
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"id-%d"`, i)
	}
	b.WriteString(`]}`)
	count := 0
	s := idStream{in: strings.NewReader(b.String()), fn: func([]byte) error { count++; return nil }}
	if err := s.run(); err != nil || count != n {
		t.Fatalf("%d ids, %v", count, err)
	}
	if cap(s.buf) > 64<<10 {
		t.Errorf("a window of %d bytes", cap(s.buf))
	}
}

func TestIDsStop(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	d := openClient(t, c)
	id := c.CreateCollection("some", nil)
	c.Add(id, map[string]any{"ids": []string{"a", "b", "c"}, "embeddings": [][]float32{{1}, {2}, {3}}})
	stop := errors.New("enough")
	n := 0
	if err := d.IDs(t.Context(), id, func([]byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

// TestManyIDs: lists beyond any limit of a page, and pages up to the limit.
func TestManyIDs(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	d := openClient(t, c)
	id := c.CreateCollection("many", nil)
	const n = 6000
	ids, vectors := make([]string, n), make([][]float32, n)
	for i := range n {
		ids[i], vectors[i] = fmt.Sprintf("id%d", n-i), []float32{float32(i)}
	}
	for i := 0; i < n; i += 3000 {
		c.Add(id, map[string]any{"ids": ids[i : i+3000], "embeddings": vectors[i : i+3000]})
	}
	got := readAll(t, d, id, 1, MaxPage)
	if got.Len() != n {
		t.Fatalf("%d records", got.Len())
	}
	for i, want := range ids {
		if string(got.ID(i)) != want {
			t.Fatalf("record %d is %s, want %s", i, got.ID(i), want)
		}
	}
}

func FuzzIDStream(f *testing.F) {
	f.Add(`{"ids":["a","b\n"],"include":[]}`)
	f.Add(`{"x":[1,{"a":null}],"ids":["\ud83d\ude00"]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		whole, err := streamIDs(answer, readers["whole"])
		cut, cutErr := streamIDs(answer, readers["bytes"])
		if (err == nil) != (cutErr == nil) || !slices.Equal(whole, cut) {
			t.Fatalf("whole: %q %v; cut: %q %v", whole, err, cut, cutErr)
		}
		var fields map[string]json.RawMessage
		var want []*string
		strict := strictJSON([]byte(answer))
		if errors.Is(strict, errDeep) {
			return
		}
		wantErr := json.Unmarshal([]byte(answer), &fields)
		if wantErr == nil && string(fields["ids"]) == "null" {
			wantErr = errors.New("null")
		}
		if wantErr == nil {
			wantErr = json.Unmarshal(fields["ids"], &want)
		}
		switch {
		case err == nil && wantErr != nil:
			t.Fatalf("%q is accepted: %v", answer, wantErr)
		case strict != nil || wantErr != nil || slices.ContainsFunc(want, func(id *string) bool { return id == nil || *id == "" }):
		case err != nil:
			t.Fatalf("%q: %v", answer, err)
		case !slices.EqualFunc(whole, want, func(id string, p *string) bool { return id == *p }):
			t.Fatalf("%q: %q", answer, whole)
		}
	})
}
