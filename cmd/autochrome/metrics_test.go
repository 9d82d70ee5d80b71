package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// TestMetricsOfLongLog: what is costly and does not come takes nothing away from
// the rest, and is not waited for each time.
func TestMetricsOfLongLog(t *testing.T) {
	be := &stuckAudit{Backend: &backend.Memory{}}
	r, err := repo.Init(t.Context(), be, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Take(t.Context(), r, emptySource{}, snapshot.Options{}); err != nil {
		t.Fatal(err)
	}
	m := measuring{set: newMetrics(), within: 20 * time.Millisecond}
	read := func() (string, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := m.read(ctx, r)
		var b bytes.Buffer
		if err := m.set.Write(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "\nautochrome_last_good_snapshot_timestamp_seconds{") {
			t.Errorf("no last good snapshot in\n%s", b.String())
		}
		return b.String(), err
	}

	// Counted once, and then as it was.
	if err := r.Audit(t.Context(), repo.AuditEntry{Time: time.Now(), Action: "snapshot", Outcome: outcomeSuccess}); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); err != nil {
		t.Fatal(err)
	}
	be.stuck.Store(true)
	m.counted = time.Time{} // it is due again
	text, err := read()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if !strings.Contains(text, "\nautochrome_actions_total{") || !strings.Contains(text, "\nautochrome_repository_stored_bytes ") {
		t.Errorf("what was read before is gone:\n%s", text)
	}
	before := be.reads.Load()
	if _, err := read(); err != nil || be.reads.Load() != before {
		t.Errorf("%v; read %d times more", err, be.reads.Load()-before)
	}

	// Never counted.
	m = measuring{set: newMetrics(), within: 20 * time.Millisecond}
	if _, err := read(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	before = be.reads.Load()
	if _, err := read(); err != nil || be.reads.Load() != before {
		t.Errorf("%v; read %d times more", err, be.reads.Load()-before)
	}
}

// stuckAudit is a backend that can be made to keep its audit log to itself.
type stuckAudit struct {
	backend.Backend
	stuck atomic.Bool
	reads atomic.Int64 // of the audit log
}

func (b *stuckAudit) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	if strings.HasPrefix(name, "audit/") {
		b.reads.Add(1)
		if b.stuck.Load() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	return b.Backend.Load(ctx, name, offset, length)
}

// emptySource is a database without collections.
type emptySource struct{ snapshot.Source }

func (emptySource) URL() string                                             { return "http://localhost:8000" }
func (emptySource) Tenant() string                                          { return "default_tenant" }
func (emptySource) Database() string                                        { return "default_database" }
func (emptySource) Collections(context.Context) ([]chunk.Collection, error) { return nil, nil }
