package guard

import (
	"testing"
	"time"
)

// SetRecordPatience changes how long Chroma is waited for, until the test ends.
func SetRecordPatience(t testing.TB, d time.Duration) {
	was := recordPatience
	recordPatience = d
	t.Cleanup(func() { recordPatience = was })
}
