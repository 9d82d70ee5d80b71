package memory

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestLimit: the limit is above what is alive, and comes down again.
func TestLimit(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	Limit()
	if got := debug.SetGCPercent(percent); got != percent {
		t.Errorf("%d %% of garbage may come together", got)
	}
	if got := debug.SetMemoryLimit(-1); got != least {
		t.Fatalf("the limit is %d", got)
	}
	const much = 200 << 20
	keep := make([]byte, much)
	reaches(t, func(limit int64) bool { return limit > much+much/8 && limit < 2*much })
	runtime.KeepAlive(keep)
	keep = nil
	reaches(t, func(limit int64) bool { return limit >= least && limit <= least+mostRoom })
}

// reaches collects garbage until the limit is as it should be.
func reaches(t *testing.T, good func(limit int64) bool) {
	t.Helper()
	for range 100 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
		if good(debug.SetMemoryLimit(-1)) {
			return
		}
	}
	t.Fatalf("the limit stays at %d MB", debug.SetMemoryLimit(-1)>>20)
}

// TestPercentOfUser: who says how much garbage may come together has it.
func TestPercentOfUser(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "50")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	Limit()
	if got := debug.SetGCPercent(50); got != 50 {
		t.Errorf("%d %% of garbage may come together", got)
	}
}

// TestLimitOfUser: who sets a limit has it.
func TestLimitOfUser(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	Limit()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("the limit is %d", got)
	}
}
