package guard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
)

// The migration of these tests is this test binary again, which does what the
// variable says by the address that guard gave it.
const migrationIs = "AUTOCHROME_TEST_MIGRATION"

func TestMain(m *testing.M) {
	if folder := os.Getenv(guardIn); folder != "" {
		if err := guardChild(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if what := os.Getenv(migrationIs); what != "" {
		if err := migrations[what](newMigration()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	chromatest.Main(m)
}

// migration speaks to Chroma through the proxy.
type migration struct{ base string }

func newMigration() *migration {
	return &migration{os.Getenv("CHROMADB_URL") + "/api/v2/tenants/" + os.Getenv("AUTOCHROME_TEST_TENANT") +
		"/databases/" + os.Getenv("AUTOCHROME_TEST_DATABASE") + "/collections"}
}

func (m *migration) ask(method, path string, body any) (map[string]any, error) {
	var sent io.Reader
	if body != nil { // Chroma closes the connection after a GET that has one
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, m.base+path, sent)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode > 299 {
		return nil, fmt.Errorf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
	var out map[string]any
	_ = json.Unmarshal(text, &out) // some answers are no objects
	return out, nil
}

func (m *migration) id(name string) (string, error) {
	c, err := m.ask("GET", "/"+name, nil)
	if err != nil {
		return "", err
	}
	return c["id"].(string), nil
}

func good(m *migration) error {
	id, err := m.id("docs")
	if err != nil {
		return err
	}
	for batch := range 5 {
		if _, err := m.ask("POST", "/"+id+"/update", metadataOf(batch*10, 10, "migrated")); err != nil {
			return err
		}
	}
	_, err = m.ask("POST", "/"+id+"/delete", map[string]any{"where": map[string]any{"n": map[string]any{"$eq": 7}}})
	return err
}

var migrations = map[string]func(*migration) error{
	"good": good,
	"fails": func(m *migration) error {
		if err := good(m); err != nil {
			return err
		}
		if _, err := m.ask("POST", "", map[string]any{"name": "left-over"}); err != nil {
			return err
		}
		return fmt.Errorf("it fails in the end")
	},
	"deletes": func(m *migration) error {
		id, err := m.id("docs")
		if err != nil {
			return err
		}
		for i := range 100 {
			if _, err := m.ask("POST", "/"+id+"/delete", map[string]any{"ids": []string{fmt.Sprint("r", i)}}); err != nil {
				return err
			}
		}
		return nil
	},
	"drops": func(m *migration) error {
		_, err := m.ask("DELETE", "/docs", nil)
		return err
	},
	"poisons": func(m *migration) error {
		id, err := m.id("docs")
		if err != nil {
			return err
		}
		_, err = m.ask("POST", "/"+id+"/update", map[string]any{"ids": []string{"r1"}, "metadatas": []any{map[string]any{"chroma:document": nil}}})
		return err
	},
}

func metadataOf(from, n int, value string) map[string]any {
	var ids []string
	var ms []any
	for i := from; i < from+n; i++ {
		ids, ms = append(ids, fmt.Sprint("r", i)), append(ms, map[string]any{"state": value})
	}
	return map[string]any{"ids": ids, "metadatas": ms}
}

// guarded is a database with a collection of a hundred records.
type guarded struct {
	*testing.T
	c  *chromatest.Client
	db *chroma.Database
	r  *repo.Repository
}

func newGuarded(t *testing.T, c *chromatest.Client) *guarded {
	t.Helper()
	db, err := chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"zebra", "aardvark"} { // in no order
		c.Add(c.CreateCollection(name, nil), map[string]any{"ids": []string{"x"}, "embeddings": [][]float32{{1, 2}}})
	}
	id := c.CreateCollection("docs", nil)
	var ids []string
	var vs, ms, ds []any
	for i := range 100 {
		ids, vs = append(ids, fmt.Sprint("r", i)), append(vs, []float32{float32(i), 1, 2})
		ms, ds = append(ms, map[string]any{"n": i}), append(ds, fmt.Sprint("document ", i))
	}
	c.Add(id, map[string]any{"ids": ids, "embeddings": vs, "metadatas": ms, "documents": ds})
	return &guarded{t, c, db, r}
}

func (g *guarded) options(what string) guard.Options {
	upstream, err := url.Parse(g.c.Server.URL())
	if err != nil {
		g.Fatal(err)
	}
	return guard.Options{
		Repository: g.r, Database: g.db, Upstream: upstream, Transport: g.db.Transport(),
		Command: []string{os.Args[0]}, Stderr: os.Stderr, MaxLoss: 0.05, RollbackTo: guard.BackToBase,
		Env: append(os.Environ(), migrationIs+"="+what, "AUTOCHROME_TEST_TENANT="+g.c.Tenant, "AUTOCHROME_TEST_DATABASE="+g.c.Database),
	}
}

func (g *guarded) run(o guard.Options) guard.Report {
	g.Helper()
	rep, err := guard.Run(g.Context(), o)
	if err != nil {
		g.Fatal(err)
	}
	return rep
}

func (g *guarded) dump() map[string]chromatest.RawRecord {
	out := map[string]chromatest.RawRecord{}
	for _, r := range g.c.Dump("docs") {
		out[r.ID] = r
	}
	return out
}

func text(m map[string]chromatest.RawRecord) map[string]string {
	out := map[string]string{}
	for id, r := range m {
		b, _ := json.Marshal(r)
		out[id] = string(b)
	}
	return out
}

func TestRunSucceeds(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		before := text(g.dump())
		rep := g.run(g.options("good"))
		if rep.Outcome != guard.Succeeded || rep.ExitCode != 0 || rep.Unrecorded {
			t.Fatalf("%+v", rep)
		}
		if rep.Points != 6 || rep.Writes != 6 {
			t.Errorf("%d points of %d writes, want 6", rep.Points, rep.Writes)
		}
		if len(rep.Losses) != 3 || rep.Losses[1].Lost != 1 {
			t.Errorf("losses: %v", rep.Losses)
		}
		after := text(g.dump())
		// Every point can be gone back to, and forward again.
		ran, err := guard.FindRun(t.Context(), g.r, "")
		if err != nil || len(ran.Points) != 6 || ran.Ended == "" {
			t.Fatalf("%v %+v", err, ran)
		}
		for i, p := range ran.Points[:5] {
			back, err := restore.Rollback(t.Context(), g.r, g.db, p, restore.Options{})
			if err != nil || !back.Verified() {
				t.Fatalf("point %d: %v %+v", i+1, err, back.Compared)
			}
			migrated := 0
			for _, r := range g.dump() {
				if r.Metadata["state"] == "migrated" {
					migrated++
				}
			}
			if migrated != 10*(i+1) {
				t.Errorf("point %d: %d records are migrated", i+1, migrated)
			}
		}
		for goal, s := range map[string]repo.Snapshot{"base": ran.Base, "last": ran.Last()} {
			back, err := restore.Rollback(t.Context(), g.r, g.db, s, restore.Options{})
			if err != nil || !back.Verified() {
				t.Fatalf("%s: %v %+v", goal, err, back.Compared)
			}
			want := map[string]map[string]string{"base": before, "last": after}[goal]
			if !maps.Equal(text(g.dump()), want) {
				t.Errorf("%s is not what it was", goal)
			}
		}
	})
}

func TestRunFails(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for what, how := range map[string]guard.Outcome{
			"fails": guard.ChildFailed, "deletes": guard.Lost, "drops": guard.Lost, "poisons": guard.ChildFailed,
		} {
			t.Run(what, func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				before := text(g.dump())
				rep := g.run(g.options(what))
				if rep.Outcome != how || !rep.RolledBack {
					t.Fatalf("%s %q, rolled back: %v %v", rep.Outcome, rep.Reason, rep.RolledBack, rep.RollbackFail)
				}
				if !maps.Equal(text(g.dump()), before) {
					t.Error("not everything is as it was")
				}
				if status, _ := g.c.Server.Do(t, "GET", g.c.Path("left-over"), nil); status != 404 {
					t.Error("what the run made is still there")
				}
				if what == "deletes" && rep.Writes > 7 {
					t.Errorf("a loss above the limit let %d writes through", rep.Writes)
				}
				if what == "poisons" && rep.Refused != 1 {
					t.Errorf("refused %d writes", rep.Refused)
				}
			})
		}
	})
}

// TestUnrecorded writes around the proxy, under a migration that succeeds and
// under one that fails.
func TestUnrecorded(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		before := text(g.dump())
		failing := g.options("fails")
		failing.Point = func(p guard.Point) {
			if p.Number == 1 {
				c.Update(c.Collection("docs")["id"].(string), metadataOf(90, 3, "around"))
			}
		}
		rep := g.run(failing)
		if rep.Outcome != guard.ChildFailed || !rep.RolledBack || !rep.Unrecorded || rep.Last.Tags[guard.TagUnrecorded] == "" {
			t.Fatalf("%+v", rep)
		}
		if !maps.Equal(text(g.dump()), before) {
			t.Error("not rolled back to the base")
		}
		o := g.options("good")
		o.Point = func(p guard.Point) {
			if p.Number == 2 {
				c.Update(c.Collection("docs")["id"].(string), metadataOf(90, 3, "around"))
			}
		}
		rep = g.run(o)
		if rep.Outcome != guard.Succeeded || !rep.Unrecorded || rep.Points != 7 {
			t.Fatalf("%+v", rep)
		}
		back, err := restore.Rollback(context.Background(), g.r, g.db, rep.Last, restore.Options{DryRun: true})
		if err != nil || !back.Plan.Empty() {
			t.Errorf("the last point is not the state: %v", err)
		}
	})
}

// TestUnrecordedLazily writes around the proxy where points are made once in a
// while: that is found and named all the same.
func TestUnrecordedLazily(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		rep := g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			if _, err := m.ask("POST", "/"+id+"/update", metadataOf(0, 3, "through")); err != nil {
				t.Error(err)
			}
			c.Update(id, metadataOf(90, 3, "around"))
		}, func(o *guard.Options) { o.Durability = time.Hour })
		if rep.Outcome != guard.Succeeded || !rep.Unrecorded || rep.Points != 2 || rep.Last.Tags[guard.TagUnrecorded] == "" {
			t.Errorf("%s, unrecorded %v, %d points, the last with %v", rep.Outcome, rep.Unrecorded, rep.Points, rep.Last.Tags)
		}
		back, err := restore.Rollback(t.Context(), g.r, g.db, rep.Last, restore.Options{DryRun: true})
		if err != nil || !back.Plan.Empty() {
			t.Errorf("the last point is not the state: %v", err)
		}
	})
}
