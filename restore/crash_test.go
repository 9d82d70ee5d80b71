package restore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
	"autochrome/restore"
	"autochrome/snapshot"
	"autochrome/tree"
)

// The child of the crash test is this test binary again. It does one thing and
// kills itself, as kill -9 would, after the event of this number: an operation
// that changed the repository's store, or Chroma's answer to a request that
// changed something there. After a reading the world is what it was before.
const (
	crashWhat = "AUTOCHROME_TEST_CRASH"     // snapshot, or the id of the one to roll back to, by a swap, or to restore
	crashAt   = "AUTOCHROME_TEST_CRASH_AT"  // number of the event
	crashRepo = "AUTOCHROME_TEST_CRASH_IN"  // folder of the repository
	crashURL  = "AUTOCHROME_TEST_CRASH_URL" // of Chroma
	crashDB   = "AUTOCHROME_TEST_CRASH_DB"  // tenant and database
)

func TestMain(m *testing.M) {
	if what := os.Getenv(crashWhat); what != "" {
		if err := crashChild(what); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	chromatest.Main(m)
}

func crashChild(what string) error {
	ctx := context.Background()
	at, err := strconv.ParseInt(os.Getenv(crashAt), 10, 64)
	if err != nil {
		return err
	}
	var events atomic.Int64
	event := func() {
		if events.Add(1) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	server, err := url.Parse(os.Getenv(crashURL))
	if err != nil {
		return err
	}
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.ModifyResponse = func(answer *http.Response) error {
		if changes(answer.Request) {
			event()
		}
		return nil
	}
	front := httptest.NewServer(proxy)
	defer front.Close()
	var tenant, database string
	if _, err := fmt.Sscan(os.Getenv(crashDB), &tenant, &database); err != nil {
		return err
	}
	db, err := chroma.Open(ctx, chroma.Options{URL: front.URL, Tenant: tenant, Database: database})
	if err != nil {
		return err
	}
	local, err := backend.OpenLocal(os.Getenv(crashRepo))
	if err != nil {
		return err
	}
	r, err := repo.Open(ctx, faulty.Wrap(local, faulty.Hook(nil, func(op faulty.Op, _ error) {
		if strings.HasPrefix(what, "swap ") {
			return // it does there what every rollback does
		}
		if op.Kind == faulty.Save || op.Kind == faulty.Create || op.Kind == faulty.Remove {
			event()
		}
	})))
	if err != nil {
		return err
	}
	if what == "snapshot" {
		_, err = snapshot.Take(ctx, r, db, snapshot.Options{Source: "crash"})
		return err
	}
	id, into := strings.CutPrefix(what, "into ")
	id, swap := strings.CutPrefix(id, "swap ")
	s, err := r.Find(ctx, id, "")
	if err != nil {
		return err
	}
	var rep restore.Report
	if into {
		rep, err = restore.Restore(ctx, r, db, s, restore.Into{}, restore.Options{})
	} else {
		o := restore.Options{DropExtra: true}
		if swap { // one that is there and one that is missing are all there is to see
			o = restore.Options{Swap: true, Collections: []string{"first", "third"}}
		}
		rep, err = restore.Rollback(ctx, r, db, s, o)
	}
	if err == nil && !rep.Verified() {
		return fmt.Errorf("not verified: %+v", rep.Compared)
	}
	return err
}

// changes reports whether a request may change something.
func changes(req *http.Request) bool {
	switch path.Base(req.URL.Path) {
	case "get", "query":
		return false
	}
	return req.Method != http.MethodGet
}

// crashes is a database with two states, both of which have a snapshot.
type crashes struct {
	client *chromatest.Client
	db     *chroma.Database
	base   string // folder of the repository with both snapshots
	folder string // of the copy that a child works in
	good   repo.Snapshot
	bad    repo.Snapshot
	want   map[string]string // collection and id → record, in the good state
}

func newCrashes(t *testing.T, c *chromatest.Client) *crashes {
	t.Helper()
	x := &crashes{client: c, base: t.TempDir()}
	var err error
	if x.db, err = chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database}); err != nil {
		t.Fatal(err)
	}
	local, err := backend.CreateLocal(x.base)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Init(t.Context(), local, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	ids := map[string]string{}
	for _, name := range []string{"first", "second", "third"} {
		ids[name] = c.CreateCollection(name, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}}})
		c.Add(ids[name], nasty(rnd, 8, false, c.Server.Version == chromatest.Newest, 10))
	}
	x.want = x.dump()
	take := func() repo.Snapshot {
		res, err := snapshot.Take(t.Context(), r, x.db, snapshot.Options{Source: "crash"})
		if err != nil {
			t.Fatal(err)
		}
		return res.Snapshot
	}
	x.good = take()
	for i, name := range []string{"first", "second"} {
		records := c.Dump(name)
		for _, w := range []int{0, 2, 5}[i : i+2] {
			ways[w].do(c, name, ids[name], records)
		}
	}
	c.DeleteCollection("third")
	extra := c.CreateCollection("extra", map[string]any{})
	c.Add(extra, map[string]any{"ids": []string{"x"}, "embeddings": [][]float32{{1, 2}}})
	x.bad = take()
	return x
}

func (x *crashes) dump() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"first", "second", "third"} {
		for _, r := range x.client.Dump(name) {
			out[name+"\x00"+r.ID] = rawText(r)
		}
	}
	return out
}

// command is the test binary again, on a copy of the repository.
func (x *crashes) command(t *testing.T, what string, at int) *exec.Cmd {
	t.Helper()
	x.folder = t.TempDir()
	if err := os.CopyFS(x.folder, os.DirFS(x.base)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashWhat+"="+what, crashAt+"="+strconv.Itoa(at), crashRepo+"="+x.folder,
		crashURL+"="+x.client.Server.URL(), crashDB+"="+x.client.Tenant+" "+x.client.Database)
	return cmd
}

// child runs a command and reports whether it got to its end.
func (x *crashes) child(t *testing.T, what string, at int) (finished bool) {
	t.Helper()
	cmd := x.command(t, what, at)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return true
	}
	if cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%s, event %d: %v\n%s", what, at, err, out)
	}
	return false
}

// open opens the repository and demands that every snapshot in it is whole.
func (x *crashes) open(t *testing.T, at int) *repo.Repository {
	t.Helper()
	local, err := backend.OpenLocal(x.folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Open(t.Context(), local)
	if err != nil {
		t.Fatalf("event %d: %v", at, err)
	}
	all, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatalf("event %d: %v", at, err)
	}
	if len(all) < 2 {
		t.Fatalf("event %d: %d snapshots are left", at, len(all))
	}
	reader := tree.NewReader(r)
	for _, s := range all {
		cs, err := reader.Collections(t.Context(), s.Root)
		if err != nil {
			t.Fatalf("event %d: %s: %v", at, s.DisplayID(), err)
		}
		for _, c := range cs {
			lost := func(d tree.Damage) error { return d.Err }
			if err := tree.Verify(t.Context(), reader, c, func(error) bool { return true }, func(tree.Group, int) {}, lost); err != nil {
				t.Fatalf("event %d: %s: %s: %v", at, s.DisplayID(), c.Name, err)
			}
		}
	}
	return r
}

// rollback goes back to a snapshot without interruption.
func (x *crashes) rollback(t *testing.T, r *repo.Repository, s repo.Snapshot, at int) {
	t.Helper()
	rep, err := restore.Rollback(t.Context(), r, x.db, s, restore.Options{DropExtra: true})
	if err != nil {
		t.Fatalf("event %d: %v", at, err)
	}
	if !rep.Verified() {
		t.Fatalf("event %d: %+v", at, rep.Compared)
	}
}

// same demands that the database is in the good state.
func (x *crashes) same(t *testing.T, at int) {
	t.Helper()
	got := x.dump()
	if len(got) != len(x.want) {
		t.Fatalf("event %d: %d records, want %d", at, len(got), len(x.want))
	}
	for key, w := range x.want {
		if got[key] != w {
			t.Fatalf("event %d: %q is not what it was", at, key)
		}
	}
}

// TestCrashes kills a process after every operation that changed the
// repository's store or Chroma, and demands each time that every earlier
// snapshot is whole and restores, and that the next run succeeds.
func TestCrashes(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		x := newCrashes(t, c)
		t.Run("snapshot", func(t *testing.T) {
			for at := 1; !x.child(t, "snapshot", at); at++ {
				r := x.open(t, at)
				if _, err := snapshot.Take(t.Context(), r, x.db, snapshot.Options{Source: "crash"}); err != nil {
					t.Fatalf("event %d: %v", at, err)
				}
			}
		})
		t.Run("rollback", func(t *testing.T) {
			for at := 1; !x.child(t, x.good.DisplayID(), at); at++ {
				r := x.open(t, at)
				x.rollback(t, r, x.good, at)
				x.same(t, at)
				x.rollback(t, r, x.bad, at)
			}
		})
	})
}
