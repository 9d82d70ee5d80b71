package restore_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"autochrome/restore"
)

// FuzzPlanFile: what is read is, byte for byte, what would be written.
func FuzzPlanFile(f *testing.F) {
	text, err := restore.PlanFile{
		Made: time.Unix(1_800_000_000, 0), Snapshot: "s", Options: restore.PlanOptions{Only: []string{"documents"}, Where: `{"a":1}`},
		Does: []restore.Sealed{{Collection: "a", Action: restore.Change, Records: 7}},
	}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"autochrome_plan":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		plan, err := restore.DecodePlanFile(text)
		if err != nil {
			if !errors.Is(err, restore.ErrPlanFile) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if again, err := plan.Encode(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q becomes %q: %v", text, again, err)
		}
	})
}
