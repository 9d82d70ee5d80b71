package restore_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"autochrome/restore"
)

// TestPlanFile reads what was written, and refuses every file of which a byte
// is another or the end is missing.
func TestPlanFile(t *testing.T) {
	f := restore.PlanFile{
		Made: time.Date(2026, 11, 23, 4, 0, 0, 5, time.UTC), Repository: "r", Snapshot: "s", SnapshotID: "snapshot_1", Source: "x", Tenant: "t", Database: "d",
		Options: restore.PlanOptions{Collections: []string{"a", "b"}, IDs: []string{"<1>", "é\u2028", "\x00"}, Only: []string{"documents"}, Where: `{"a":{"$gt": 1}}`, DropExtra: true},
		Does:    []restore.Sealed{{Collection: "a", Action: restore.Change, LiveName: "a", Records: 7, Changes: "00"}},
		Needs:   &restore.Needs{Requests: 3, Bytes: 4, Millis: 5},
	}
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := restore.DecodePlanFile(text)
	if err != nil {
		t.Fatal(err)
	}
	f.Version, f.Made, f.Sum = 1, f.Made.Truncate(time.Second), got.Sum
	if !reflect.DeepEqual(got, f) {
		t.Errorf("%+v\nwant %+v", got, f)
	}
	for i := range text {
		if _, err := restore.DecodePlanFile(text[:i]); !errors.Is(err, restore.ErrPlanFile) {
			t.Fatalf("cut at %d: %v", i, err)
		}
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if _, err := restore.DecodePlanFile(changed); !errors.Is(err, restore.ErrPlanFile) {
			t.Fatalf("byte %d: %s", i, changed)
		}
	}
	for _, text := range []string{"null", "[]", `{"autochrome_plan":1}`, `{"autochrome_plan":"1"}`, `{"autochrome_plan":1,"more":2}`} {
		if _, err := restore.DecodePlanFile([]byte(text)); !errors.Is(err, restore.ErrPlanFile) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
