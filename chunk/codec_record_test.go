package chunk

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestRecordDictionary holds the dictionary, which is part of the format, to
// what docs/format.md says, and to a stored form that was made with it.
func TestRecordDictionary(t *testing.T) {
	sum := FileHash([]byte(recordDictionary))
	text, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), sum.String()) {
		t.Errorf("docs/format.md does not say that the dictionary's hash is %v", sum)
	}
	const record = `{"capture":"still","format":0,"kind":"point","root":{"collections":4}}`
	const golden = "034628b52ffd2103467d0000107d7d04500009151416fd87a1890e"
	stored, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatalf("%v; it is now %x", err, Encode(nil, []byte(record)))
	}
	if got, err := Decode(stored); err != nil || string(got) != record {
		t.Errorf("%q %v; it is now %x", got, err, Encode(nil, []byte(record)))
	}
}

// TestRecordsRoundTrip encodes records of all lengths.
func TestRecordsRoundTrip(t *testing.T) {
	for n := range 200 {
		record := `{"collections":[` + strings.Repeat(`{"name":"docs","records":100},`, n) + fmt.Sprintf(`{}],"n":%d}`, n*n)
		stored := Encode(nil, []byte(record))
		if got, err := Decode(stored); err != nil || string(got) != record {
			t.Fatalf("%d: %v", n, err)
		}
	}
}
