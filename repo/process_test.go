//go:build unix

package repo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// The processes of these tests are this test binary again. Each does one thing
// in a repository's folder, and stops or kills itself before the operation of
// the store that has this number.
const (
	childDoes   = "AUTOCHROME_TEST_CHILD"        // snapshot, point, points, prune or busy
	childFolder = "AUTOCHROME_TEST_CHILD_FOLDER" // of the repository
	childSignal = "AUTOCHROME_TEST_CHILD_SIGNAL" // number of the signal, then of the operation
)

// TestChild is the child's side.
func TestChild(t *testing.T) {
	does := os.Getenv(childDoes)
	if does == "" {
		t.Skip("runs in child processes")
	}
	if err := childMain(context.Background(), does); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func childMain(ctx context.Context, does string) error {
	var signal syscall.Signal
	var at, seen int64
	if _, err := fmt.Sscan(os.Getenv(childSignal), &signal, &at); err != nil {
		return err
	}
	local, err := backend.OpenLocal(os.Getenv(childFolder))
	if err != nil {
		return err
	}
	r, err := Open(ctx, faulty.Wrap(local, faulty.Hook(func(op faulty.Op) {
		// Between writing a snapshot and looking at the marks again a writer must
		// not be killed while others prune without a grace: see format.md, 15.
		if does == "busy" && op.Kind != faulty.Save && op.Kind != faulty.Remove {
			return
		}
		if atomic.AddInt64(&seen, 1) == at {
			_ = syscall.Kill(os.Getpid(), signal)
		}
	}, nil)))
	if err != nil {
		return err
	}
	r.packTarget = smallTarget
	switch does {
	case "snapshot":
		return childTakes(ctx, r, (*Writer).SaveSnapshot)
	case "point":
		return childTakes(ctx, r, (*Writer).SavePoint)
	case "points":
		_, err := saveAndSeal(ctx, r, 4)
		return err
	case "busy":
		return childBusy(ctx, r)
	}
	_, err = r.Prune(ctx, harsh)
	return err
}

// childTakes takes a snapshot that counts on what the last one has: one chunk
// because it asked for it, one because it stands in an earlier tree.
func childTakes(ctx context.Context, r *Repository, how commit) error {
	referred, _ := document("old")
	return r.Write(ctx, func(w *Writer) error {
		ids, err := save(ctx, w, "shared", fmt.Sprint("new ", os.Getpid()), noise(2, 1500), noise(9, 1500))
		if err != nil {
			return err
		}
		if w.Has(referred) {
			ids = append(ids, referred)
		}
		s, err := how(w, ctx, snapshotOf(ids...))
		if err == nil {
			fmt.Println(s.ID)
		}
		return err
	})
}

// childBusy takes snapshots of random chunks, deletes some of them, seals points
// and prunes.
// What fails because of others is tried again.
func childBusy(ctx context.Context, r *Repository) error {
	rnd := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for range 12 {
		err := r.Write(ctx, func(w *Writer) error {
			var texts []string
			for range 1 + rnd.IntN(6) {
				texts = append(texts, noise(rnd.Uint64N(30), 800))
			}
			ids, err := save(ctx, w, texts...)
			if err != nil {
				return err
			}
			how := []commit{(*Writer).SavePoint, (*Writer).SaveSnapshot}[rnd.IntN(2)]
			s, err := how(w, ctx, snapshotOf(ids...))
			for range rnd.IntN(4) {
				if err == nil {
					_, err = w.SavePoint(ctx, snapshotOf(ids[:1+rnd.IntN(len(ids))]...))
				}
			}
			if err == nil && rnd.IntN(2) == 0 {
				err = w.SealPoints(ctx)
			}
			if err != nil || rnd.IntN(2) == 0 {
				return err
			}
			return r.Delete(ctx, s, "test")
		})
		if err == nil && rnd.IntN(2) == 0 {
			_, err = r.Prune(ctx, harsh)
		}
		if err != nil && !mayFail(err.Error()) {
			return err
		}
	}
	return nil
}

// mayFail reports whether a command may fail so where others delete without a
// grace.
func mayFail(message string) bool {
	for _, why := range []string{ErrSwept.Error(), ErrNotPruned.Error(), "does not exist", "missing", "went away", "again and again"} {
		if strings.Contains(message, why) {
			return true
		}
	}
	return false
}

// child is a process.
type child struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *os.File
}

func start(t *testing.T, folder, does string, signal syscall.Signal, at int) *child {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "output")
	must(t, err)
	c := &child{t, exec.Command(os.Args[0], "-test.run=^TestChild$"), out}
	c.cmd.Env = append(os.Environ(), childDoes+"="+does, childFolder+"="+folder, fmt.Sprintf("%s=%d %d", childSignal, signal, at))
	c.cmd.Stdout, c.cmd.Stderr = out, out
	must(t, c.cmd.Start())
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = out.Close() })
	return c
}

// wait gives how it ended, or that it is stopped.
func (c *child) wait() syscall.WaitStatus {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(c.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			must(c.t, err)
			return status
		}
	}
}

func (c *child) said() string {
	b, err := os.ReadFile(c.output.Name())
	must(c.t, err)
	return strings.TrimSpace(string(b))
}

// ended demands that it finished, or failed because of others.
func (c *child) ended(status syscall.WaitStatus, when string) (finished bool) {
	c.t.Helper()
	if !status.Exited() || status.ExitStatus() != 0 && !mayFail(c.said()) {
		c.t.Fatalf("%s: ended with %v: %s", when, status, c.said())
	}
	return status.ExitStatus() == 0
}

// run demands that a process does its work to the end.
func runChild(t *testing.T, folder, does string) {
	t.Helper()
	c := start(t, folder, does, 0, 0)
	if status := c.wait(); status.ExitStatus() != 0 {
		t.Fatalf("%s: %s", does, c.said())
	}
}

func localStore(t *testing.T) *backend.Local {
	t.Helper()
	be, err := backend.OpenLocal(t.TempDir())
	must(t, err)
	return be
}

// plainOnly: children open the plain world's repositories.
func plainOnly(t *testing.T) {
	if world.encrypted() {
		t.Skip("once is enough")
	}
}

// TestStoppedWriter stops a writing process (SIGSTOP) before each of its
// operations, deletes what it counts on and prunes without a grace in other
// processes, and lets it go on: it finishes or says why it does not, and no
// snapshot lacks a chunk.
func TestStoppedWriter(t *testing.T) {
	plainOnly(t)
	for _, does := range []string{"snapshot", "point"} {
		counts := map[bool]int{}
		for n := 1; ; n++ {
			be := localStore(t)
			r := initialised(t, be)
			r.packTarget = smallTarget
			old := take(t, r, "shared", "old", noise(2, 1500), noise(3, 1500))
			c := start(t, be.Location(), does, syscall.SIGSTOP, n)
			status := c.wait()
			if !status.Stopped() {
				if !c.ended(status, "not stopped") || counts[true] == 0 || counts[false] == 0 {
					t.Errorf("%s: %s", does, c.said())
				}
				t.Logf("%s: stopped %d times; finished %d times", does, n-1, counts[true])
				break
			}
			must(t, r.Delete(t.Context(), old, "test"))
			runChild(t, be.Location(), "prune")
			must(t, c.cmd.Process.Signal(syscall.SIGCONT))
			finished := c.ended(c.wait(), fmt.Sprintf("%s stopped before operation %d", does, n))
			counts[finished]++
			if listed := whole(t, be); finished != (len(listed) == 1) {
				t.Errorf("%s stopped before operation %d: finished %v, listed %v", does, n, finished, listed)
			}
			runChild(t, be.Location(), "prune")
			whole(t, be)
		}
	}
}

// TestStoppedSeal stops and kills a process before its operations while it makes
// points and seals them, and others write and prune meanwhile: no snapshot lacks
// a chunk.
func TestStoppedSeal(t *testing.T) {
	plainOnly(t)
	step := 11
	if os.Getenv("AUTOCHROME_TEST_LONG") != "" {
		step = 1
	}
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for n := 1; ; n += step {
			be := localStore(t)
			r := initialised(t, be)
			r.packTarget = smallTarget
			kept := take(t, r, "of point 0", "of point 1", "old")
			c := start(t, be.Location(), "points", signal, n)
			status := c.wait()
			if !status.Stopped() && !status.Signaled() {
				t.Logf("%d operations", n)
				break
			}
			runChild(t, be.Location(), "snapshot")
			runChild(t, be.Location(), "prune")
			if signal == syscall.SIGSTOP {
				must(t, c.cmd.Process.Signal(syscall.SIGCONT))
				c.ended(c.wait(), fmt.Sprintf("points stopped before operation %d", n))
			}
			haveAll(t, be, []chunk.ID{kept.ID})
			runChild(t, be.Location(), "prune")
			whole(t, be)
		}
	}
}

// TestStoppedPrune stops and kills a prune before its operations while others
// write and prune: no snapshot lacks a chunk, and the next prune finishes.
func TestStoppedPrune(t *testing.T) {
	plainOnly(t)
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		step := 5
		if os.Getenv("AUTOCHROME_TEST_LONG") != "" {
			step = 1
		}
		for n := 1; ; n += step {
			be := localStore(t)
			r := initialised(t, be)
			r.packTarget = smallTarget
			old := take(t, r, "shared", "old", noise(2, 1500), noise(3, 1500))
			kept := take(t, r, "shared", noise(3, 1500), noise(4, 1500))
			must(t, r.Delete(t.Context(), old, "test"))
			c := start(t, be.Location(), "prune", signal, n)
			status := c.wait()
			if !status.Stopped() && !status.Signaled() {
				t.Logf("%d operations", n)
				break
			}
			runChild(t, be.Location(), "snapshot")
			runChild(t, be.Location(), "prune")
			runChild(t, be.Location(), "point")
			if signal == syscall.SIGSTOP {
				must(t, c.cmd.Process.Signal(syscall.SIGCONT))
				c.ended(c.wait(), fmt.Sprintf("prune stopped before operation %d", n))
			}
			haveAll(t, be, []chunk.ID{kept.ID})
			runChild(t, be.Location(), "prune")
			if n := len(whole(t, be)); n != 3 {
				t.Errorf("%d snapshots", n)
			}
		}
	}
}

// TestProcesses lets several processes write, delete and prune at once, some of
// which are killed.
func TestProcesses(t *testing.T) {
	plainOnly(t)
	rounds := 2
	if os.Getenv("AUTOCHROME_TEST_LONG") != "" {
		rounds = 40
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	be := localStore(t)
	r := initialised(t, be)
	kept := take(t, r, noise(3, 800), noise(7, 800))
	for range rounds {
		var all []*child
		for i := range 4 {
			at := 0
			if i%2 == 0 {
				at = 1 + rnd.IntN(150)
			}
			all = append(all, start(t, be.Location(), "busy", syscall.SIGKILL, at))
		}
		for _, c := range all {
			if status := c.wait(); !status.Signaled() {
				c.ended(status, "busy")
			}
		}
		haveAll(t, be, []chunk.ID{kept.ID})
	}
	runChild(t, be.Location(), "prune")
	haveAll(t, be, []chunk.ID{kept.ID})
	t.Logf("seed %d: %d snapshots, %v", seed, len(whole(t, be)), packBytes(t, be))
}
