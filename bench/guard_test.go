package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
)

// batchOfMigration is how many records the migration writes at a time.
const batchOfMigration = 100

// migrationBody is one request of the migration.
type migrationBody struct {
	collection string
	body       []byte
}

// migrationBodies load the whole workload, batch by batch.
func migrationBodies(b *testing.B) (all []migrationBody) {
	b.Helper()
	for _, c := range workload {
		for part := range slices.Chunk(readWorkload(b, c.name, c.records), batchOfMigration) {
			text, err := json.Marshal(body(part))
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, migrationBody{c.name, text})
		}
	}
	return all
}

// migrate sends the migration to an address, over one connection.
func migrate(b *testing.B, c *chromatest.Client, address string, collections map[string]string, bodies []migrationBody) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, m := range bodies {
		resp, err := client.Post(address+c.Path(collections[m.collection], "upsert"), "application/json", bytes.NewReader(m.body))
		if err != nil {
			b.Error(err)
			return
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode/100 != 2 {
			b.Errorf("%s %s %v", resp.Status, text, err)
			return
		}
	}
}

// migrationTarget is an empty database with the workload's collections.
func migrationTarget(b *testing.B, s *chromatest.Server) (*chromatest.Client, map[string]string) {
	b.Helper()
	c := chromatest.NewClient(b, s)
	ids := map[string]string{}
	for _, known := range workload {
		ids[known.name] = load(b, c, known.name, nil)
	}
	return c, ids
}

// guarded runs the migration under guard and gives how long the requests took,
// and the report.
func guarded(b *testing.B, c *chromatest.Client, folder string, work func(proxy string)) guard.Report {
	b.Helper()
	db, err := chroma.Open(b.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		b.Fatal(err)
	}
	upstream, err := url.Parse(c.Server.URL())
	if err != nil {
		b.Fatal(err)
	}
	r := openRepo(b, folder)
	ctx, end := context.WithCancel(b.Context())
	defer end()
	rep, err := guard.Run(ctx, guard.Options{
		Repository: r, Database: db, Upstream: upstream, Transport: db.Transport(), MaxLoss: 1,
		Started: func(proxy string, _ repo.Snapshot) {
			go func() {
				defer end()
				work(proxy)
			}()
		},
	})
	if err != nil || rep.Failed() || rep.Unrecorded {
		b.Fatalf("%v, %s %s, unrecorded %v", err, rep.Outcome, rep.Reason, rep.Unrecorded)
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	return rep
}

// BenchmarkGuard loads the workload in batches of 100, in turns under guard and
// without, each into an empty server; and says what the points stored against a
// snapshot of the final state alone.
func BenchmarkGuard(b *testing.B) {
	bodies := migrationBodies(b)
	for b.Loop() {
		var plainly, under []cost
		var points int
		var stored, final int64
		for range rounds(b, 3) {
			s := chromatest.Start(b, chromatest.Newest)
			c, ids := migrationTarget(b, s)
			settle(s.Pid())
			begun := time.Now()
			migrate(b, c, s.URL(), ids, bodies)
			plainly = append(plainly, cost{wall: time.Since(begun)})
			s.Kill()

			s = chromatest.Start(b, chromatest.Newest)
			c, ids = migrationTarget(b, s)
			settle(s.Pid())
			folder := filepath.Join(b.TempDir(), "repository")
			var took time.Duration
			rep := guarded(b, c, folder, func(proxy string) {
				begun := time.Now()
				migrate(b, c, proxy, ids, bodies)
				took = time.Since(begun)
			})
			under = append(under, cost{wall: took})
			points, stored = rep.Points, sum(added(b, folder, nil))
			alone := filepath.Join(b.TempDir(), "alone")
			w := &world{server: s, tenant: c.Tenant, database: c.Database}
			w.take(b, alone)
			final = sum(added(b, alone, nil))
			s.Kill()
			_ = os.RemoveAll(s.Dir())
		}
		b.Logf("%s; %d requests, %d points", dataset(), len(bodies), points)
		report(b,
			figure{ratio(median(under).wall, median(plainly).wall), "×plain"},
			figure{median(plainly).wall.Seconds(), "plain-s"},
			figure{float64(stored) / float64(final), "×final"},
			figure{float64(stored) / 1e6, "stored-MB"},
			figure{float64(points), "points"})
	}
}

// BenchmarkGuardReads makes the requests of a snapshot through the proxy and
// without it, in turns.
func BenchmarkGuardReads(b *testing.B) {
	w := newWorld(b)
	direct := floor(b, w)
	for b.Loop() {
		folder := filepath.Join(b.TempDir(), "repository")
		var costs []cost
		guarded(b, w.client(b), folder, func(proxy string) {
			through := &plain{client: &http.Client{Transport: &http.Transport{ReadBufferSize: 64 << 10}}}
			for _, r := range direct.requests {
				through.requests = append(through.requests, request{proxy + r.url[len(w.server.URL()):], r.body})
			}
			costs = inTurns(rounds(b, 7), w.here(b, func() { direct.run(b) }), w.here(b, func() { through.run(b) }))
		})
		report(b, figure{ratio(costs[0].wall, costs[1].wall), "×direct"}, figure{costs[0].wall.Seconds(), "direct-s"})
	}
}
