package main

import (
	"context"
	"time"

	"autochrome/metrics"
	"autochrome/repo"
)

// metricsTime is how long to try to read a repository's metrics: what is cheap,
// and then what takes time in proportion to all that was ever done.
const metricsTime = 20 * time.Second

// costlyShare bounds how much of the time goes into reading what is costly: a
// hundredth.
const costlyShare = 100

// measuring reads a repository's metrics again and again.
type measuring struct {
	set    *metrics.Set
	within time.Duration // metricsTime

	costly  metrics.Repository // Dedup and Actions as they were last read
	counted time.Time          // when they were read, or could not be
	took    time.Duration      // how long that took
}

func newMeasuring() measuring { return measuring{set: newMetrics(), within: metricsTime} }

// read reads what is cheap until ctx ends, and then what is costly, where that is
// due, for as long as it may take. What cannot be read of it stays as it was.
func (m *measuring) read(ctx context.Context, r *repo.Repository) error {
	x, err := repositoryMetrics(ctx, r)
	if err != nil {
		return err
	}
	x.Actions, x.Dedup = m.costly.Actions, m.costly.Dedup
	m.set.SetRepository(x)
	begun := time.Now()
	if begun.Sub(m.counted) < costlyShare*m.took {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.within)
	defer cancel()
	if err = addActions(ctx, r, &x); err == nil {
		err = addDedup(ctx, r, &x)
	}
	m.costly, m.counted, m.took = x, time.Now(), time.Since(begun)
	m.set.SetRepository(x)
	return err
}
