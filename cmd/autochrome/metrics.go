package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"autochrome/metrics"
	"autochrome/repo"
	"autochrome/snapshot"
)

// repositoryMetrics reads what a repository says, but for what is costly.
func repositoryMetrics(ctx context.Context, r *repo.Repository) (metrics.Repository, error) {
	var m metrics.Repository
	list, err := standings(ctx, r)
	if err != nil {
		return m, err
	}
	for _, x := range list {
		m.Sources = append(m.Sources, sourceMetrics(x))
	}
	size, err := r.Size(ctx)
	m.Bytes, m.Damaged = size.Bytes, len(r.Damaged())
	return m, err
}

// addActions counts what the audit log says: every entry is read.
func addActions(ctx context.Context, r *repo.Repository, m *metrics.Repository) error {
	list, err := actionMetrics(ctx, r)
	if err == nil {
		m.Actions = list
	}
	return err
}

// addDedup measures what snapshots share: the trees of all are walked.
func addDedup(ctx context.Context, r *repo.Repository, m *metrics.Repository) error {
	all, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	st, err := snapshot.Measure(ctx, r, all, func(repo.Snapshot) bool { return true })
	switch {
	case err == nil:
		m.Dedup = &metrics.Dedup{Logical: st.Logical, Stored: st.Stored}
	case isDamage(err):
		m.Dedup, err = nil, nil // what is damaged cannot be measured, and check names it
	}
	return err
}

func sourceMetrics(x standing) metrics.Source {
	m := metrics.Source{Name: x.source, Snapshots: x.snapshots, LastVerified: x.at}
	if x.last != nil {
		m.Last, m.Suspect, m.Damaged = x.last.Time, x.suspect != "", x.last.Damage.Total
	}
	if g := x.good; g != nil {
		m.LastGood, m.Records, m.Collections = g.Time, g.Root.Records, len(g.Collections)
		m.BytesRead, m.BytesStored, m.Took = g.Stats.BytesRead, g.Cost(), time.Duration(g.Stats.Millis)*time.Millisecond
	}
	return m
}

// actionMetrics counts what the audit log says.
func actionMetrics(ctx context.Context, r *repo.Repository) ([]metrics.Action, error) {
	type key struct{ action, outcome string }
	of := map[key]*metrics.Action{}
	err := r.AuditEntries(ctx, func(e repo.AuditEntry) error {
		a := of[key{e.Action, e.Outcome}]
		if a == nil {
			a = &metrics.Action{Name: e.Action, Outcome: e.Outcome}
			of[key{e.Action, e.Outcome}] = a
		}
		a.Count++
		if !e.Time.Before(a.Last) {
			a.Last, a.Took = e.Time, time.Duration(e.Millis)*time.Millisecond
		}
		return nil
	})
	if err != nil && !errors.Is(err, repo.ErrDamaged) { // audit-log and check name those
		return nil, err
	}
	var list []metrics.Action
	for _, k := range slices.SortedFunc(maps.Keys(of), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.action, b.action), cmp.Compare(a.outcome, b.outcome))
	}) {
		list = append(list, *of[k])
	}
	return list, nil
}

func newMetrics() *metrics.Set {
	b := build()
	return metrics.New(b.Version, b.Go)
}

// checkMetricsFile refuses a file that could not be written, before anything is
// done.
func (s *session) checkMetricsFile() error {
	path := value(s.flags, "metrics-file")
	if path == "" {
		return nil
	}
	if i, err := os.Stat(filepath.Dir(path)); err != nil || !i.IsDir() {
		return usage("node_exporter reads the folder of --collector.textfile.directory", "--metrics-file %s: there is no such folder", path)
	}
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return usage("name a file", "--metrics-file %s is not a file", path)
	}
	if filepath.Ext(path) != ".prom" {
		s.warn("--metrics-file %s: node_exporter reads only files that end with .prom", path)
	}
	return nil
}

// writeMetrics writes the metrics of a command into the file of the settings,
// if there is one, also when the command failed. It gives the command's error.
func (s *session) writeMetrics(ctx context.Context, action string, err error) error {
	path := value(s.flags, "metrics-file")
	if path == "" {
		return err
	}
	m := newMeasuring()
	m.set.Ran(action, time.Now(), time.Since(s.begun), exitCode(err, ctx.Err() != nil))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.within)
	defer cancel()
	readErr := s.withRepository(ctx, func(r *repo.Repository) error { return m.read(ctx, r) })
	if readErr != nil && err == nil {
		s.warn("the metrics file does not say all of the repository: %v", readErr)
	}
	if fileErr := m.set.WriteFile(path); fileErr != nil {
		if err == nil {
			return unfinished("", "it is done, but the metrics cannot be written: %v", fileErr)
		}
		s.warn("the metrics cannot be written: %v", fileErr)
	}
	return err
}
