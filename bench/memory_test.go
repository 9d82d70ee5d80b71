package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"autochrome/internal/process"
)

// BenchmarkMemory gives the most memory that the program had resident while it
// took a first and then a second snapshot of made-up records: of the dataset's
// dimension, and of so few that five million can be read in minutes ("make
// bench-scale" sets AUTOCHROME_BENCH_SCALE).
func BenchmarkMemory(b *testing.B) {
	for _, size := range []struct {
		name    string
		dim     int
		records int
	}{
		{"384/10k", 384, 10_000},
		{"384/100k", 384, 100_000},
		{"8/10k", 8, 10_000},
		{"8/100k", 8, 100_000},
		{"8/1000k", 8, 1_000_000},
	} {
		b.Run(size.name, func(b *testing.B) { memoryOf(b, size.dim, size.records) })
	}
	if scale := os.Getenv("AUTOCHROME_BENCH_SCALE"); scale != "" {
		n, err := strconv.Atoi(scale)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("8/scale", func(b *testing.B) { memoryOf(b, 8, n) })
	}
}

func memoryOf(b *testing.B, dim, records int) {
	url := standIn{records, dim}.serve(b)
	for b.Loop() {
		folder := filepath.Join(b.TempDir(), "repository")
		first := runProgram(b, "--chromadb-url", url, "--repo", folder, "--json", "snapshot", "create")
		second := runProgram(b, "--chromadb-url", url, "--repo", folder, "--json", "snapshot", "create")
		if first.taken.Records != records || second.taken.Records != records {
			b.Fatalf("%d and %d records instead of %d", first.taken.Records, second.taken.Records, records)
		}
		reportMemory(b, first, second)
		b.Logf("second snapshot: %d bytes stored", second.taken.Stored)
	}
}

// BenchmarkMemoryReal is the same with the workload on a real server.
func BenchmarkMemoryReal(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		folder := filepath.Join(b.TempDir(), "repository")
		args := []string{"--chromadb-url", w.server.URL(), "--tenant", w.tenant, "--database", w.database, "--repo", folder, "--json", "snapshot", "create"}
		reportMemory(b, runProgram(b, args...), runProgram(b, args...))
	}
}

func reportMemory(b *testing.B, first, second ran) {
	report(b,
		figure{mega(first.Peak), "MB"}, figure{mega(second.Peak), "second-MB"},
		figure{first.Wall.Seconds(), "s"}, figure{second.Wall.Seconds(), "second-s"},
		figure{first.CPU.Seconds(), "cpu-s"}, figure{second.CPU.Seconds(), "second-cpu-s"})
}

// ran is what a run of the program came to.
type ran struct {
	Peak   int64 // bytes of resident memory
	Wall   time.Duration
	CPU    time.Duration
	Output string
	Failed string

	taken struct {
		Records int
		Stored  int64 `json:"bytes_stored"`
	}
}

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	bin := programPath()
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "autochrome/cmd/autochrome")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
})

func programPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("autochrome-bench-%d", os.Getpid()))
}

// childArgs is set for the process between this one and the program. Linux
// counts to a process's peak the memory that its parent had when it was
// started, so the parent has to be a small one.
const childArgs = "AUTOCHROME_BENCH_CHILD"

// runProgram runs the program and measures it.
func runProgram(b *testing.B, args ...string) (r ran) {
	b.Helper()
	bin, err := program()
	if err != nil {
		b.Fatal(err)
	}
	r = runMeasured(b, []string{"AUTOCHROME_CONFIG=none"}, append([]string{bin}, args...)...)
	if err := json.Unmarshal([]byte(r.Output), &r.taken); err != nil {
		b.Fatalf("%v: %v\n%s", args, err, r.Output)
	}
	return r
}

// runMeasured runs any program, with more environment, and measures it.
func runMeasured(b *testing.B, env []string, args ...string) (r ran) {
	b.Helper()
	line, err := json.Marshal(args)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), env...), childArgs+"="+string(line))
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil || r.Failed != "" {
		b.Fatalf("%v: %v %s\n%s", args, err, r.Failed, r.Output)
	}
	return r
}

// child runs the program, prints what it took, and gives the exit code.
func child(line string) int {
	var args []string
	if err := json.Unmarshal([]byte(line), &args); err != nil {
		return 1
	}
	cmd := exec.Command(args[0], args[1:]...)
	begun := time.Now()
	out, err := cmd.Output()
	r := ran{Wall: time.Since(begun), Output: string(out)}
	if err != nil {
		r.Failed = err.Error()
		if e := new(exec.ExitError); errors.As(err, &e) {
			r.Failed += ": " + string(e.Stderr)
		}
	}
	if s := cmd.ProcessState; s != nil {
		r.Peak, r.CPU = process.PeakMemory(s), s.UserTime()+s.SystemTime()
	}
	if json.NewEncoder(os.Stdout).Encode(r) != nil {
		return 1
	}
	return 0
}
