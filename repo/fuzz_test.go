package repo

import (
	"bytes"
	"encoding/binary"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// FuzzPack: a pack that decodes is written again as it was; nothing else ends
// but with an error.
func FuzzPack(f *testing.F) {
	p := newPack(nil, packTarget, nil)
	id, b := document("x")
	p.add(chunk.Documents, id, chunk.Encode(nil, b))
	p.add(index.Record, chunk.ID{1}, []byte("record"))
	file, _ := p.finish()
	f.Add(file[packHeader : len(file)-packTrailer])
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = decodePack(nil, body)
		_, _ = decodeTail(nil, body, int64(len(body)))
		for n := range min(len(body), 200) { // with a trailer made right
			directory := body[len(body)-n:]
			sum := chunk.FileHash(directory)
			again := newPack(nil, packTarget, nil)
			file := append(bytes.Clone(again.buf), body...)
			file = append(file, sum[:]...)
			file = binary.LittleEndian.AppendUint32(file, uint32(n))
			file = append(append(file, packVersion), packEnd...)
			entries, err := decodePack(nil, file)
			if err != nil {
				continue
			}
			for _, e := range entries {
				again.add(e.Kind, e.ID, file[e.Offset:e.Offset+e.Length])
			}
			if b, _ := again.finish(); !bytes.Equal(b, file) {
				t.Errorf("%x is written as %x", file, b)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	b, _, err := encodeRecord(fullSnapshot())
	must(f, err)
	f.Add(b)
	s := snapshotOf(chunk.ID{1})
	b, _, err = encodeRecord(s.complete())
	must(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeSnapshotFile(b, chunk.ID{})
		_, _ = decodeRecord(b, chunk.ID{})
		s, err := parseRecord(b)
		if err != nil {
			return
		}
		again, _, err := encodeRecord(s)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s is written as %s, %v", b, again, err)
		}
	})
}

func FuzzAnnotation(f *testing.F) {
	a := Annotation{Snapshot: chunk.ID{1}, Key: TagKey("x"), Value: "y", Time: fullSnapshot().Time, Host: "h", User: "u", Nonce: newNonce()}
	b, err := encodeAnnotation(a)
	must(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAnnotation(b)
		if err != nil {
			return
		}
		if again, err := encodeAnnotation(a); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s is written as %s, %v", b, again, err)
		}
	})
}

func FuzzAudit(f *testing.F) {
	e := AuditEntry{Action: "a", Outcome: "ok", Writer: AuditWriter("h", "u"), Counter: 2, Previous: chunk.ID{1},
		Nonce: fullSnapshot().Nonce, Time: fullSnapshot().Time, Counts: map[string]int64{"a": 1}}
	b, err := encodeAudit(e)
	must(f, err)
	f.Add(b[:len(b)-chunk.IDSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeAudit(b)
		sum := chunk.FileHash(b)
		b = append(bytes.Clone(b), sum[:]...)
		e, err := decodeAudit(b)
		if err != nil {
			return
		}
		if again, err := encodeAudit(e); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s is written as %s, %v", b, again, err)
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"format":1,"id":"00112233445566778899aabbccddeeff","created":"2026-11-23T04:00:00Z","ids":"plain"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeConfig("x", b); err == nil {
			if _, err := c.encode(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestHostile opens stores whose files are made of parts of good ones.
func TestHostile(t *testing.T) {
	m := everything(t)
	var parts [][]byte
	list := names(t, m, "")
	for _, name := range list {
		b, err := backend.LoadAll(t.Context(), m, name)
		must(t, err)
		parts = append(parts, b)
	}
	for i, name := range list {
		if name == configName {
			continue
		}
		for j := range parts {
			c := m.Clone()
			must(t, c.Save(t.Context(), name, parts[j]))
			if i != j {
				findings(t, c)
			}
			must(t, c.Save(t.Context(), name, append(bytes.Clone(parts[j]), parts[i]...)))
			findings(t, c)
		}
	}
}
