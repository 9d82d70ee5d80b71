package repo

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

func TestAudit(t *testing.T) {
	ctx := t.Context()
	m := &backend.Memory{Clock: tick()}
	r := initialised(t, m)
	snapshot := chunk.ID{5}
	full := AuditEntry{User: "u", Host: "h", Command: "autochrome rollback latest", Trigger: "person", Action: "rollback", Snapshot: &snapshot,
		Outcome: "failed", Error: "no space", Counts: map[string]int64{"records": 5, "added": 2}, Millis: 17}
	for i := range 6 {
		e := full
		if i%2 == 1 {
			e.User = "other"
		}
		must(t, r.Audit(ctx, e))
	}
	must(t, opened(t, m).Audit(ctx, full)) // a later run goes on with the chain
	var counters []string
	must(t, r.AuditEntries(ctx, func(e AuditEntry) error {
		counters = append(counters, fmt.Sprint(e.User, e.Counter))
		if e.Action != "rollback" || *e.Snapshot != snapshot || e.Counts["records"] != 5 || e.Stored.IsZero() || e.Time.IsZero() {
			t.Errorf("entry %+v", e)
		}
		return nil
	}))
	if got, want := fmt.Sprint(counters), "[u1 other1 u2 other2 u3 other3 u4]"; got != want {
		t.Errorf("entries %s, want %s", got, want)
	}
	own := errors.New("my own")
	wantErr(t, r.AuditEntries(ctx, func(AuditEntry) error { return own }), own)
	wantErr(t, r.Audit(ctx, AuditEntry{Outcome: "ok"}), ErrInvalid)
	if problems, err := r.VerifyAudit(ctx); len(problems) > 0 || err != nil {
		t.Errorf("problems %v, %v", problems, err)
	}
}

// TestAuditTogether: several processes of one user append to one chain.
func TestAuditTogether(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	initialised(t, m)
	var wg sync.WaitGroup
	for range 8 {
		r := opened(t, m)
		wg.Go(func() {
			for range 10 {
				if err := r.Audit(ctx, AuditEntry{Action: "a", Outcome: "ok"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r := opened(t, m)
	n := int64(0)
	must(t, r.AuditEntries(ctx, func(AuditEntry) error { n++; return nil }))
	problems, err := r.VerifyAudit(ctx)
	if n != 80 || len(problems) > 0 || err != nil {
		t.Errorf("%d entries, problems %v, %v", n, problems, err)
	}
}

// TestAuditProblems tampers with a chain of five entries.
func TestAuditProblems(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	for i := range 5 {
		must(t, r.Audit(ctx, AuditEntry{Action: fmt.Sprint(i), Outcome: "ok"}))
	}
	writer := r.auditWriter(whoami())
	name := func(n int64) string { return auditFile(writer, n) }
	rewrite := func(m *backend.Memory, n int64, change func(*AuditEntry)) {
		view := inside(t, m)
		b, err := backend.LoadAll(ctx, view, name(n))
		must(t, err)
		e, err := decodeAudit(b)
		must(t, err)
		change(&e)
		b, err = encodeAudit(e)
		must(t, err)
		must(t, view.Save(ctx, name(n), b))
	}
	for test, change := range map[string]struct {
		do   func(m *backend.Memory)
		want string
	}{
		"nothing":       {func(m *backend.Memory) {}, ""},
		"first removed": {func(m *backend.Memory) { must(t, m.Remove(ctx, name(1))) }, "missing 1"},
		"two removed": {func(m *backend.Memory) {
			must(t, m.Remove(ctx, name(2)))
			must(t, m.Remove(ctx, name(3)))
		}, "missing 2, missing 3"},
		"changed":       {func(m *backend.Memory) { rewrite(m, 3, func(e *AuditEntry) { e.Action = "x" }) }, "changed 3"},
		"first changed": {func(m *backend.Memory) { rewrite(m, 1, func(e *AuditEntry) { e.Outcome = "x" }) }, "changed 1"},
		"cut short":     {func(m *backend.Memory) { replace(t, m, name(5), func(b []byte) []byte { return b[:9] }) }, "changed 5"},
		"copied": {func(m *backend.Memory) {
			b, err := backend.LoadAll(ctx, m, name(2))
			must(t, err)
			must(t, m.Save(ctx, name(4), b))
		}, "changed 4"},
		"far away":     {func(m *backend.Memory) { must(t, m.Save(ctx, name(9999999999), nil)) }, "missing 6, changed 9999999999"},
		"strange name": {func(m *backend.Memory) { must(t, m.Save(ctx, "audit/x/y", nil)) }, "changed audit/x/y"},
	} {
		t.Run(test, func(t *testing.T) {
			c := m.Clone()
			change.do(c)
			problems, err := opened(t, c).VerifyAudit(ctx)
			must(t, err)
			var got []string
			for _, p := range problems {
				what := "changed"
				if p.Missing {
					what = "missing"
				}
				short := strings.TrimLeft(strings.TrimPrefix(p.File, auditFolder+writer+"/"), "0")
				got = append(got, what+" "+short)
				if p.Reason == "" {
					t.Errorf("no reason for %v", p)
				}
			}
			if s := strings.Join(got, ", "); s != change.want {
				t.Errorf("found %q, want %q: %v", s, change.want, problems)
			}
		})
	}
	// A damaged last entry does not end the chain.
	replace(t, m, name(5), func(b []byte) []byte { b[9]++; return b })
	r = opened(t, m)
	must(t, r.Audit(ctx, AuditEntry{Action: "6", Outcome: "ok"}))
	problems, err := r.VerifyAudit(ctx)
	if len(problems) != 1 || problems[0].File != name(5) || err != nil {
		t.Errorf("problems %v, %v", problems, err)
	}
	n := 0
	err = r.AuditEntries(ctx, func(AuditEntry) error { n++; return nil })
	wantErr(t, err, ErrDamaged)
	if n != 5 {
		t.Errorf("%d entries", n)
	}
}

// TestAuditAnswerLost: the store wrote it, but did not say so, and then says
// that it exists.
func TestAuditAnswerLost(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	initialised(t, m)
	twice := func(op *faulty.Op, next func() error) error {
		err := next()
		if op.Kind == faulty.Create {
			err = next() // as a client that tries again
		}
		return err
	}
	r := opened(t, faulty.Wrap(m, twice))
	for range 3 {
		must(t, r.Audit(ctx, AuditEntry{Action: "a", Outcome: "ok"}))
	}
	if n := len(names(t, m, auditFolder)); n != 3 {
		t.Errorf("%d entries", n)
	}
}
