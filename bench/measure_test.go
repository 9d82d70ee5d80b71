package bench

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"autochrome/internal/process"
)

// cost is what one run of something took.
type cost struct {
	wall   time.Duration
	own    time.Duration // processor time of this process
	server time.Duration // processor time of the server
}

// measure runs f between two looks at the clocks. Garbage of what ran before is
// not f's, nor is giving its memory back to the system: f begins with as little as
// a new process.
func measure(pid int, f func()) cost {
	runtime.GC()
	own, server := process.CPUTime(), processCPU(pid)
	begun := time.Now()
	f()
	wall := time.Since(begun)
	return cost{wall, process.CPUTime() - own, processCPU(pid) - server}
}

// rounds is how often things are measured.
func rounds(b *testing.B, otherwise int) int {
	b.Helper()
	return howMany(b, "AUTOCHROME_BENCH_ROUNDS", otherwise)
}

// howMany is a number that a variable may set.
func howMany(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s is no number", variable, s)
	}
	return n
}

// inTurns measures each of runs n times, one after the other and each first in
// its turn, and gives the medians.
func inTurns(n int, runs ...func() cost) []cost {
	all := make([][]cost, len(runs))
	for round := range n {
		for i := range runs {
			i = (i + round) % len(runs)
			all[i] = append(all[i], runs[i]())
		}
	}
	out := make([]cost, len(runs))
	for i := range all {
		out[i] = median(all[i])
	}
	return out
}

// median is that of each figure by itself.
func median(all []cost) cost {
	return cost{
		middle(all, func(c cost) time.Duration { return c.wall }),
		middle(all, func(c cost) time.Duration { return c.own }),
		middle(all, func(c cost) time.Duration { return c.server }),
	}
}

func middle[T any](all []T, f func(T) time.Duration) time.Duration {
	s := slices.SortedFunc(slices.Values(all), func(a, b T) int { return cmp.Compare(f(a), f(b)) })
	n := len(s)
	return (f(s[(n-1)/2]) + f(s[n/2])) / 2
}

// processCPU is the processor time of another process, to a hundredth of a
// second, and 0 where the system does not tell.
func processCPU(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(stat, []byte(") ")) // the name may hold anything
	fields := bytes.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	system, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// settle waits until a server has nothing left to do: it goes on with its
// index after it has answered.
func settle(pid int) {
	for range 60 {
		before := processCPU(pid)
		time.Sleep(500 * time.Millisecond)
		if processCPU(pid)-before <= 10*time.Millisecond {
			return
		}
	}
}

// report prints figures in place of the time per operation, which has no
// meaning here.
func report(b *testing.B, figures ...figure) {
	b.ReportMetric(0, "ns/op")
	for _, f := range figures {
		b.ReportMetric(f.value, f.unit)
	}
}

type figure struct {
	value float64
	unit  string
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
