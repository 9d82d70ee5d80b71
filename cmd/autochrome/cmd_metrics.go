package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/metrics"
	"autochrome/repo"
)

func metricsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "metrics", Usage: "print what the repository says, for Prometheus",
		Description: "Ages of the last good and the last verified snapshot of each source, as times, figures of\n" +
			"the last good one, sizes, what snapshots share, and how often each action had which outcome.\n" +
			"watch --listen answers with the same and more.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "fast", Usage: "leave out what snapshots share: no tree is walked"},
		}, secondFlags(metricsSettings)...),
		Action: p.action(showMetrics),
	}
}

// metricsJSON is what metrics --json prints.
type metricsJSON struct {
	Repository string              `json:"repository"`
	Bytes      int64               `json:"repository_bytes"`
	Damaged    int                 `json:"damaged_files"`
	Logical    *int64              `json:"logical_bytes,omitempty"`
	Stored     *int64              `json:"stored_bytes,omitempty"`
	Sources    []sourceMetricsJSON `json:"sources"`
	Actions    []actionMetricsJSON `json:"actions"`
}

// sourceMetricsJSON has times and figures that are missing where there is none.
type sourceMetricsJSON struct {
	Source       string    `json:"source"`
	Snapshots    int       `json:"snapshots"`
	Last         time.Time `json:"last,omitzero"`
	LastGood     time.Time `json:"last_good,omitzero"`
	LastVerified time.Time `json:"last_verified,omitzero"`
	Suspect      bool      `json:"last_is_suspect"`
	Damaged      int64     `json:"last_damaged_records"`
	Records      int64     `json:"records"`
	Collections  int       `json:"collections"`
	BytesRead    int64     `json:"bytes_read"`
	BytesStored  int64     `json:"bytes_stored"`
	Duration     int64     `json:"duration_ms"`
}

type actionMetricsJSON struct {
	Action   string    `json:"action"`
	Outcome  string    `json:"outcome"`
	Count    int64     `json:"count"`
	Last     time.Time `json:"last"`
	Duration int64     `json:"duration_ms"` // of the last one
}

func showMetrics(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	if err := s.checkMetricsFile(); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		m, err := repositoryMetrics(ctx, r)
		if err == nil {
			err = addActions(ctx, r, &m)
		}
		if err == nil && !s.flags.Bool("fast") {
			err = addDedup(ctx, r, &m)
		}
		if err != nil {
			return err
		}
		set := newMetrics()
		set.SetRepository(m)
		path := value(s.flags, "metrics-file")
		switch {
		case s.json:
			err = s.printJSON(metricsOf(r, m))
		case path == "":
			err = set.Write(s.out)
		}
		if err == nil && path != "" {
			err = set.WriteFile(path)
		}
		return err
	})
}

func metricsOf(r *repo.Repository, m metrics.Repository) metricsJSON {
	j := metricsJSON{Repository: r.Location(), Bytes: m.Bytes, Damaged: m.Damaged, Sources: []sourceMetricsJSON{}, Actions: []actionMetricsJSON{}}
	if m.Dedup != nil {
		j.Logical, j.Stored = &m.Dedup.Logical, &m.Dedup.Stored
	}
	for _, x := range m.Sources {
		j.Sources = append(j.Sources, sourceMetricsJSON{
			x.Name, x.Snapshots, x.Last, x.LastGood, x.LastVerified, x.Suspect, x.Damaged,
			x.Records, x.Collections, x.BytesRead, x.BytesStored, x.Took.Milliseconds()})
	}
	for _, a := range m.Actions {
		j.Actions = append(j.Actions, actionMetricsJSON{a.Name, a.Outcome, a.Count, a.Last, a.Took.Milliseconds()})
	}
	return j
}
