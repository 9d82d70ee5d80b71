package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/internal/memory"
	"autochrome/repo"
	"autochrome/snapshot"
)

func createCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "create", Usage: "take a snapshot of the database",
		Description: "What the repository has already is not stored again. The first one makes the repository.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "a name to find it by"},
			&cli.BoolFlag{Name: "allow-shrink", Usage: "also when most of what the last good snapshot has is gone; it is marked as suspect"},
		}, takeFlags(), secondFlags(metricsSettings), tellFlags()),
		Action: p.action(create),
	}
}

// takeFlags are those of all commands that take snapshots to be kept.
func takeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "collections", Aliases: []string{"c"}, Usage: "only these, with commas between"},
		&cli.StringSliceFlag{Name: "tag", Usage: "key=value; may be given several times"},
		&cli.StringFlag{Name: "source", Usage: "name of the database, where it would not be known again by itself"},
		&cli.BoolFlag{Name: "consistent", Usage: "read until two reads agree; else store nothing and exit with 21"},
		&cli.BoolFlag{Name: "fail-if-moving", Usage: "store nothing and exit with 21 when records or collections came or went"},
		&cli.BoolFlag{Name: "auto-cleanup", Value: true, Usage: "delete afterwards what no rule keeps, see snapshot cleanup; or AUTO_CLEANUP"},
		retentionDaysFlag(),
		&cli.DurationFlag{Name: "cleanup-time", Value: time.Minute, Usage: "how long freeing space afterwards may take; 0: it is not freed"},
	}
}

func create(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	o, err := createOptions(s)
	if err != nil {
		return err
	}
	after, err := s.afterwards(ctx)
	if err != nil {
		return err
	}
	if err := s.checkMetricsFile(); err != nil {
		return err
	}
	err = s.around(ctx, "snapshot", func() error { return s.snapshot(ctx, o, after, s.printTaken) })
	return s.writeMetrics(ctx, "snapshot", err)
}

// taken is told of a snapshot that was taken.
type taken func(ctx context.Context, r *repo.Repository, res snapshot.Result) error

// snapshot takes one, in a new repository where there is none.
func (s *session) snapshot(ctx context.Context, o snapshot.Options, after func(*repo.Repository), show taken) error {
	take := func(r *repo.Repository, live func() (*chroma.Database, error)) error {
		err := s.audited(ctx, r, "snapshot", func(e *repo.AuditEntry) error {
			t, err := live()
			if err != nil {
				return err
			}
			return s.take(ctx, r, t, o, e, show)
		})
		if err == nil || errors.As(err, new(*unfinishedError)) {
			after(r)
		}
		return err
	}
	err := s.withRepository(ctx, func(r *repo.Repository) error {
		return take(r, func() (*chroma.Database, error) { return s.openChroma(ctx) })
	})
	if !errors.Is(err, repo.ErrNoRepository) {
		return err
	}
	// Nothing is made for a server that does not answer.
	t, err := s.openChroma(ctx)
	if err != nil {
		return err
	}
	return s.withNewRepository(ctx, func(r *repo.Repository) error {
		return take(r, func() (*chroma.Database, error) { return t, nil })
	})
}

func (s *session) withNewRepository(ctx context.Context, fn func(r *repo.Repository) error) error {
	folder, err := s.folder()
	if err != nil {
		return err
	}
	o, err := s.initOptions(ctx)
	if err != nil {
		return err
	}
	r, err := makeRepository(ctx, folder, o)
	if errors.Is(err, repo.ErrExists) { // somebody was faster
		return s.withRepository(ctx, fn)
	}
	if err != nil {
		return err
	}
	s.say("made the repository %s", r.Location())
	return errors.Join(fn(r), r.Close())
}

func createOptions(s *session) (o snapshot.Options, err error) {
	o = snapshot.Options{
		Consistent: s.flags.Bool("consistent"), FailIfMoving: s.flags.Bool("fail-if-moving"),
		AllowShrink: s.flags.Bool("allow-shrink"), Command: s.command, Version: build().Version,
	}
	if o.Name, err = s.givenName(); err != nil {
		return o, err
	}
	if o.Source, err = s.givenSource(); err != nil {
		return o, err
	}
	if o.Collections, err = split("collections", s.flags.StringSlice("collections")); err != nil {
		return o, err
	}
	o.Tags, err = tags(s.flags.StringSlice("tag"))
	return o, err
}

func (s *session) take(ctx context.Context, r *repo.Repository, t *chroma.Database, o snapshot.Options, e *repo.AuditEntry, show taken) error {
	memory.Frugal() // mostly it is done beside other work
	bar := newProgress(s.console)
	o.Progress = bar.reading
	res, err := snapshot.Take(ctx, r, t, o)
	bar.end()
	if err != nil {
		return err
	}
	snap := res.Snapshot
	e.Snapshot = &snap.ID
	e.Counts = map[string]int64{
		"collections": int64(len(snap.Collections)), "records": snap.Root.Records,
		"bytes_read": snap.Stats.BytesRead, "bytes_stored": res.Stored, "damaged": snap.Damage.Total,
	}
	s.about(snap)
	s.fact("capture", string(snap.Capture))
	if err := show(ctx, r, res); err != nil {
		return err
	}
	s.remarkOn(res)
	if n := snap.Damage.Total; n > 0 {
		d := snap.Damage.First[0]
		return unfinished("they are kept as they are; what is missing may be in an earlier snapshot, to roll back to; see all: autochrome snapshot info "+snap.DisplayID(),
			"%s in Chroma, first %q in %s: %s", plural(n, "damaged record"), d.ID, d.Collection, d.Reason)
	}
	return nil
}

// remarkOn says what a snapshot that was taken lacks.
func (s *session) remarkOn(res snapshot.Result) {
	for _, name := range res.Gone {
		s.warn("collection %s was deleted meanwhile and is not in the snapshot", name)
	}
	for _, name := range res.Fresh {
		s.warn("collection %s was made meanwhile and is not in the snapshot", name)
	}
	for _, l := range res.Losses {
		now := "has " + plural(l.Records, "record")
		if l.Gone {
			now = "is gone"
		}
		s.warn("collection %s %s; the last good snapshot has %d", l.Collection, now, l.Before)
	}
	if why := res.Snapshot.Suspect; why != "" {
		s.warn("it is suspect, and so never the latest: %s; if this is right: autochrome snapshot accept %s", why, res.Snapshot.DisplayID())
	}
}

// takenJSON is what snapshot create --json prints.
type takenJSON struct {
	SnapshotID  string               `json:"snapshot_id"`
	Identity    string               `json:"identity"`
	Name        string               `json:"name"`
	Time        time.Time            `json:"time"`
	Source      string               `json:"source"`
	Parent      string               `json:"parent,omitempty"`
	Capture     repo.Capture         `json:"capture"`
	Collections []collectionJSON     `json:"collections"`
	Records     int64                `json:"records"`
	Damaged     int64                `json:"damaged"`
	DamagedRecs []repo.DamagedRecord `json:"damaged_records,omitempty"` // the first of them
	Gone        []string             `json:"gone,omitempty"`            // collections deleted before they were read
	Fresh       []string             `json:"fresh,omitempty"`           // collections made meanwhile, and not in it
	Losses      []snapshot.Loss      `json:"losses,omitempty"`          // collections that lost most of their records, or are gone
	Suspect     string               `json:"suspect,omitempty"`
	BytesRead   int64                `json:"bytes_read"`
	BytesStored int64                `json:"bytes_stored"`
	Duration    int64                `json:"duration_ms"`
	Status      string               `json:"status"` // ok, suspect or damaged
}

// collectionJSON is a collection of a snapshot.
type collectionJSON struct {
	Name      string       `json:"name"`
	Records   int64        `json:"records"`
	Dimension int          `json:"dimension,omitempty"` // not in lists of snapshots
	Damaged   int64        `json:"damaged,omitempty"`
	Capture   repo.Capture `json:"capture,omitempty"`
	ServerID  string       `json:"server_id,omitempty"`
}

func (s *session) printTaken(ctx context.Context, r *repo.Repository, res snapshot.Result) error {
	snap := res.Snapshot
	if s.json {
		out := takenJSON{
			SnapshotID: snap.DisplayID(), Identity: snap.ID.String(), Name: snap.Name, Time: snap.Time, Source: snap.Source,
			Capture: snap.Capture, Collections: []collectionJSON{}, Records: snap.Root.Records,
			Damaged: snap.Damage.Total, DamagedRecs: snap.Damage.First, Gone: res.Gone,
			Fresh: res.Fresh, Losses: res.Losses, Suspect: snap.Suspect,
			BytesRead: snap.Stats.BytesRead, BytesStored: res.Stored, Duration: s.millis(), Status: "ok",
		}
		var err error
		if out.Parent, err = parentName(ctx, r, snap); err != nil {
			return err
		}
		for _, c := range res.Captured {
			out.Collections = append(out.Collections, collectionJSON{
				c.Collection.Name, c.Tree.Top.Count, c.Collection.Description.Dimension, int64(c.Damaged), repo.Capture(c.State), c.Collection.ServerID})
		}
		switch {
		case snap.Damage.Total > 0:
			out.Status = "damaged"
		case snap.Suspect != "":
			out.Status = "suspect"
		}
		return s.printJSON(out)
	}
	if s.quiet {
		return s.print("%s", snap.DisplayID())
	}
	for _, c := range res.Captured {
		s.detail("%s: %s, %s read, %s", c.Collection.Name, plural(c.Tree.Top.Count, "record"), size(c.BytesRead), c.State)
	}
	return s.print("%s  %s in %s, %s stored, %s, %s", snap.DisplayID(), plural(snap.Root.Records, "record"),
		plural(len(snap.Collections), "collection"), size(res.Stored), took(s.begun), captures[snap.Capture])
}

// took says how long something took until now.
func took(begun time.Time) string { return duration(time.Since(begun)) }

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
