package chunk

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestIDText(t *testing.T) {
	id := Plain().ID([]byte("x"))
	back, err := ParseID(id.String())
	if err != nil || back != id {
		t.Errorf("%v: %v", back, err)
	}
	b, err := json.Marshal(map[string]ID{"id": id})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]ID
	if err := json.Unmarshal(b, &m); err != nil || m["id"] != id {
		t.Errorf("%s: %v", b, err)
	}
	for _, s := range []string{"", id.String()[1:], id.String() + "0", strings.Repeat("g", 64)} {
		if id, err := ParseID(s); err == nil || !id.IsZero() {
			t.Errorf("%q: %v, %v", s, id, err)
		}
	}
}

// No hash made for one purpose is valid for another, or in another repository.
func TestHashesAreApart(t *testing.T) {
	b := []byte("the same bytes")
	other := [32]byte{1}
	seen := map[ID]string{}
	for name, id := range map[string]ID{
		"plain id": Plain().ID(b), "plain logical": Plain().Logical(b),
		"keyed id": Keyed([32]byte{}).ID(b), "keyed logical": Keyed([32]byte{}).Logical(b),
		"other id": Keyed(other).ID(b), "other logical": Keyed(other).Logical(b),
		"file": FileHash(b), "snapshot": SnapshotHash(b), "audit": AuditHash(b),
	} {
		if twin, ok := seen[id]; ok {
			t.Errorf("%s and %s are the same", name, twin)
		}
		seen[id] = name
	}
	h := NewFileHash()
	_, _ = h.Write(b[:3])
	_, _ = h.Write(b[3:])
	if id := FileHash(b[:5], b[5:]); ID(h.Sum(nil)) != id || FileHash(b) != id {
		t.Error("a file's hash depends on how it is written")
	}
}
