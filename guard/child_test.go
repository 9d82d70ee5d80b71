package guard_test

import (
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// touchedBy is the file in which the migrations of these tests leave traces.
const touchedBy = "AUTOCHROME_TEST_TRACE"

func init() {
	migrations["stubborn"] = func(m *migration) error {
		signal.Ignore(syscall.SIGTERM)
		id, err := m.id("docs")
		if err != nil {
			return err
		}
		for i := 0; ; i++ { // it goes on writing, whatever it is told
			_, _ = m.ask("POST", "/"+id+"/update", metadataOf(i%100, 1, fmt.Sprint(i)))
			time.Sleep(5 * time.Millisecond)
		}
	}
	migrations["floods"] = func(m *migration) error { // with output and with writes
		id, err := m.id("docs")
		if err != nil {
			return err
		}
		go func() {
			for line := []byte(strings.Repeat("flood ", 1000) + "\n"); ; {
				if _, err := os.Stdout.Write(line); err != nil {
					return
				}
			}
		}()
		var wg sync.WaitGroup
		for w := range 30 {
			wg.Go(func() {
				for i := 0; ; i++ {
					_, _ = m.ask("POST", "/"+id+"/upsert", metadataOf((7*w+i)%100, 1, fmt.Sprint(w, i)))
				}
			})
		}
		wg.Wait()
		return nil
	}
	migrations["hangs"] = func(*migration) error { time.Sleep(time.Hour); return nil } // a select without cases is found out
	migrations["forks"] = func(*migration) error {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), migrationIs+"=ticks")
		return cmd.Start() // and ends before it does
	}
	migrations["ticks"] = func(*migration) error {
		for {
			if err := os.WriteFile(os.Getenv(touchedBy), []byte(time.Now().String()), 0o600); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// TestChildren guards commands that do not end as they should.
func TestChildren(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for what, how := range map[string]guard.Outcome{"stubborn": guard.TimedOut, "floods": guard.TimedOut, "hangs": guard.TimedOut, "forks": guard.Succeeded} {
			t.Run(what, func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				before := text(g.dump())
				trace := filepath.Join(t.TempDir(), "trace")
				o := g.options(what)
				o.MaxTime, o.Patience = 700*time.Millisecond, 200*time.Millisecond
				o.Stdout = io.Discard // a pipe, which what forks keeps open
				o.Env = append(o.Env, touchedBy+"="+trace)
				rep := g.run(o)
				if rep.Outcome != how || rep.Failed() && !rep.RolledBack {
					t.Fatalf("%s %s %v", rep.Outcome, rep.Reason, rep.RollbackFail)
				}
				if !maps.Equal(text(g.dump()), before) {
					t.Error("not everything is as it was")
				}
				last, _ := os.ReadFile(trace) // none but of what forks
				time.Sleep(50 * time.Millisecond)
				if now, _ := os.ReadFile(trace); string(now) != string(last) {
					t.Error("what the command started goes on")
				}
			})
		}
	})
}

// TestDurability records within a bound instead of after each batch.
func TestDurability(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		o := g.options("good")
		o.Durability = time.Hour // so that the end is what makes the point
		rep := g.run(o)
		if rep.Outcome != guard.Succeeded || rep.Points != 1 || rep.Writes != 6 || rep.Unrecorded {
			t.Fatalf("%+v", rep)
		}
		o = g.options("fails")
		o.Durability = time.Millisecond
		if rep = g.run(o); rep.Outcome != guard.ChildFailed || !rep.RolledBack || rep.Points == 0 {
			t.Fatalf("%+v", rep)
		}
	})
}
