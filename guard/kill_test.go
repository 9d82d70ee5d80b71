package guard_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/tree"
)

// The guard that is killed is this test binary again.
const (
	guardIn  = "AUTOCHROME_TEST_GUARD_IN" // folder of the repository
	guardURL = "AUTOCHROME_TEST_GUARD_URL"
)

// guardChild guards the good migration.
func guardChild(folder string) error {
	ctx := context.Background()
	db, err := chroma.Open(ctx, chroma.Options{
		URL: os.Getenv(guardURL), Tenant: os.Getenv("AUTOCHROME_TEST_TENANT"), Database: os.Getenv("AUTOCHROME_TEST_DATABASE")})
	if err != nil {
		return err
	}
	local, err := backend.OpenLocal(folder)
	if err != nil {
		return err
	}
	r, err := repo.Open(ctx, local)
	if err != nil {
		return err
	}
	upstream, err := url.Parse(db.URL())
	if err != nil {
		return err
	}
	rep, err := guard.Run(ctx, guard.Options{
		Repository: r, Database: db, Upstream: upstream, Transport: db.Transport(), Command: []string{os.Args[0]},
		Env: append(os.Environ(), migrationIs+"=good", guardIn+"="), Stderr: os.Stderr, MaxLoss: 0.05, RollbackTo: guard.BackToBase,
	})
	if err == nil && rep.Failed() {
		err = fmt.Errorf("%s: %s", rep.Outcome, rep.Reason)
	}
	return err
}

func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("AUTOCHROME_TEST_KILLS"), "4"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// whole demands that every snapshot can be read.
func whole(t *testing.T, r *repo.Repository) {
	t.Helper()
	all, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader := tree.NewReader(r)
	for _, s := range all {
		cs, err := reader.Collections(t.Context(), s.Root)
		if err != nil {
			t.Fatalf("%s: %v", s.DisplayID(), err)
		}
		for _, c := range cs {
			err := tree.Verify(t.Context(), reader, c, func(error) bool { return true }, func(tree.Group, int) {}, func(d tree.Damage) error { return d.Err })
			if err != nil {
				t.Fatalf("%s: %v", s.DisplayID(), err)
			}
		}
	}
}

// TestGuardKilled kills a guard at random moments, as kill -9 does, and demands
// that the run can go on and every point be gone back to.
func TestGuardKilled(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		before := text(g.dump())
		cut := 0
		for i := range kills(t) {
			folder := t.TempDir()
			local, err := backend.CreateLocal(folder)
			if err != nil {
				t.Fatal(err)
			}
			if g.r, err = repo.Init(t.Context(), local, repo.InitOptions{}); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), guardIn+"="+folder, guardURL+"="+c.Server.URL(),
				"AUTOCHROME_TEST_TENANT="+c.Tenant, "AUTOCHROME_TEST_DATABASE="+c.Database)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(rand.N(800*time.Millisecond), func() { _ = cmd.Process.Kill() }) // it may have ended
			if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("%v\n%s", err, said.Bytes())
			}
			timer.Stop()
			time.Sleep(50 * time.Millisecond) // the last request of the migration may be on its way
			if err := g.r.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			whole(t, g.r)
			ran, err := guard.FindRun(t.Context(), g.r, "")
			if err == nil && ran.Ended == "" {
				cut++
				o := g.options("good")
				o.Resume = &ran.Base
				if rep := g.run(o); rep.Failed() {
					t.Fatalf("kill %d: %s %s", i, rep.Outcome, rep.Reason)
				}
				if ran, err = guard.FindRun(t.Context(), g.r, ran.Name); err != nil || ran.Ended == "" {
					t.Fatalf("%v, ended %q", err, ran.Ended)
				}
				whole(t, g.r)
				live, err := restore.Rollback(t.Context(), g.r, g.db, ran.Last(), restore.Options{DryRun: true})
				if err != nil || !live.Plan.Empty() {
					t.Fatalf("kill %d: the last point is not the state: %v", i, err)
				}
			}
			if ran.Name != "" {
				if back, err := restore.Rollback(t.Context(), g.r, g.db, ran.Base, restore.Options{DropExtra: true}); err != nil || !back.Verified() {
					t.Fatalf("kill %d: %v", i, err)
				}
			}
			if !maps.Equal(text(g.dump()), before) {
				t.Fatalf("kill %d: the base did not come back", i)
			}
			if err := g.r.Close(); err != nil {
				t.Error(err)
			}
		}
		t.Logf("%d runs were cut off", cut)
	})
}

// TestChromaKilled kills the server under a guarded migration and starts it
// again: whatever became of the run, its base can be gone back to.
func TestChromaKilled(t *testing.T) {
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		g := newGuarded(t, chromatest.NewClient(t, s))
		before := text(g.dump())
		outcomes := map[guard.Outcome]int{}
		for i := range kills(t) {
			o := g.options("good")
			restarted := make(chan struct{})
			o.Started = func(string, repo.Snapshot) {
				go func() {
					defer close(restarted)
					time.Sleep(rand.N(400 * time.Millisecond))
					s.Kill()
					s.Restart(t)
				}()
			}
			rep := g.run(o)
			outcomes[rep.Outcome]++
			<-restarted // the run may have been faster
			if back, err := restore.Rollback(t.Context(), g.r, g.db, rep.Base, restore.Options{DropExtra: true}); err != nil || !back.Verified() {
				t.Fatalf("kill %d, %s: %v", i, rep.Outcome, err)
			}
			if !maps.Equal(text(g.dump()), before) {
				t.Fatalf("kill %d: the base did not come back", i)
			}
			whole(t, g.r)
		}
		t.Logf("outcomes: %v", outcomes)
	})
}
