package restore_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"autochrome/internal/chromatest"
)

// TestKills kills a process with a rollback under way at random moments, and
// demands each time that a second run finishes the work.
// AUTOCHROME_TEST_KILLS says how often.
func TestKills(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		kills, err := strconv.Atoi(cmp.Or(os.Getenv("AUTOCHROME_TEST_KILLS"), "5"))
		if err != nil {
			t.Fatal(err)
		}
		x := newCrashes(t, c)
		begun := time.Now()
		if !x.child(t, x.good.DisplayID(), 0) {
			t.Fatal("the child was killed by nobody")
		}
		whole := time.Since(begun)
		x.rollback(t, x.open(t, 0), x.bad, 0)
		killed := 0
		for i := range kills {
			if x.killed(t, x.good.DisplayID(), rand.N(whole)) {
				killed++
			}
			x.rollback(t, x.open(t, i), x.good, i)
			x.same(t, i)
			x.rollback(t, x.open(t, i), x.bad, i)
		}
		t.Logf("%d of %d were killed before their end", killed, kills)
		if kills >= 5 && killed == 0 {
			t.Error("every rollback ended before it was killed")
		}
	})
}

// killed runs a child as child does and kills it after a while. It reports
// whether the child was still at work.
func (x *crashes) killed(t *testing.T, what string, after time.Duration) bool {
	t.Helper()
	cmd := x.command(t, what, 0)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	defer timer.Stop()
	err := cmd.Wait()
	if err != nil && cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%s: %v\n%s", what, err, said.Bytes())
	}
	return err != nil
}
