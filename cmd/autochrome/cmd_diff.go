package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
	"autochrome/tree"
)

// wordLive is the live database where a command wants a snapshot to compare.
const wordLive = "live"

func diffCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "show how two snapshots differ, or one and the live database", ArgsUsage: "A B",
		Description: "A and B are snapshots; one of them may be the word live. What only B has is added,\n" +
			"what only A has is removed. With --json there is one object for each record that\n" +
			"differs, one for each collection behind its records, and a summary at the end.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "records", Aliases: []string{"r"}, Usage: "list the records, with old and new values"},
			&cli.StringSliceFlag{Name: "collections", Aliases: []string{"c"}, Usage: "only these, with commas between"},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 3 when something differs, and not with 0"},
			sourceFlag(),
		},
		Action: p.action(diff),
	}
}

// diffSide is what a comparison is between, and how to call it.
type diffSide struct {
	snap  *repo.Snapshot // nil: the live database
	state restore.State
	id    string // of the snapshot, or live
	short string // the name that a user gave it, else id
	long  string // all that there is to say
}

// differing is a comparison that is carried out.
type differing struct {
	*session
	repo        *repo.Repository
	collections []string
	records     bool             // each of them
	live        *chroma.Database // nil: two snapshots are compared
	a, b        diffSide
}

func diff(ctx context.Context, s *session) error {
	args, err := s.args(0, "A", "B")
	if err != nil {
		return err
	}
	if args[0] == wordLive && args[1] == wordLive {
		return usage("name a snapshot for one of them; see: autochrome snapshot list", "live is compared with itself")
	}
	d := differing{session: s, records: s.json || s.flags.Bool("records")}
	if d.collections, err = split("collections", s.flags.StringSlice("collections")); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		d.repo = r
		if args[0] == wordLive || args[1] == wordLive {
			if d.live, err = s.openChroma(ctx); err != nil {
				return err
			}
		}
		if d.a, err = d.find(ctx, args[0]); err != nil {
			return err
		}
		if d.b, err = d.find(ctx, args[1]); err != nil {
			return err
		}
		if d.live == nil {
			return d.compare(ctx, tree.NewReader(r))
		}
		return snapshot.WithScratch(r, func(store *snapshot.Scratch) error {
			return d.read(ctx, store)
		})
	})
}

// find gives what a word means.
func (d *differing) find(ctx context.Context, word string) (side diffSide, err error) {
	if word == wordLive {
		side.id, side.short, side.long = wordLive, wordLive, fmt.Sprintf("the live database (%v)", d.live)
		return side, nil
	}
	var snap repo.Snapshot
	if d.live == nil {
		snap, err = d.session.find(ctx, d.repo, word)
	} else {
		snap, err = d.findBeside(ctx, word)
	}
	if err != nil {
		return side, err
	}
	return d.sideOf(ctx, snap)
}

// sideOf gives what a snapshot is in a comparison.
func (d *differing) sideOf(ctx context.Context, snap repo.Snapshot) (side diffSide, err error) {
	side.snap, side.id, side.long = &snap, snap.DisplayID(), called(snap)
	if side.short = snap.Name; side.short == "" {
		side.short = side.id
	}
	side.state, err = restore.StateOf(ctx, tree.NewReader(d.repo), snap)
	return side, err
}

// called is a snapshot's id, and its name where it has one.
func called(snap repo.Snapshot) string {
	if snap.Name == "" {
		return snap.DisplayID()
	}
	return fmt.Sprintf("%s (%s)", snap.DisplayID(), snap.Name)
}

// findBeside gives a snapshot to compare with the live database. Nothing is
// written, so one of another source is only worth a warning.
func (d *differing) findBeside(ctx context.Context, word string) (repo.Snapshot, error) {
	known, err := snapshot.SourceName(ctx, d.repo, d.live)
	if err != nil {
		return repo.Snapshot{}, err
	}
	source := d.flags.String("source")
	if source == "" && word == "latest" {
		source = known
	}
	snap, err := snapshotNamed(ctx, d.repo, word, source)
	if err != nil {
		return snap, err
	}
	switch {
	case snap.Scope.Tenant != d.live.Tenant() || snap.Scope.Database != d.live.Database():
		d.warn("%s is of %s/%s, and the live database is %s/%s", snap.DisplayID(), snap.Scope.Tenant, snap.Scope.Database, d.live.Tenant(), d.live.Database())
	case known != "" && known != snap.Source:
		d.warn("%s is of source %q, and the live database is %q", snap.DisplayID(), snap.Source, known)
	}
	return snap, nil
}

// read captures the live database into a store that leaves nothing behind, and
// compares.
func (d *differing) read(ctx context.Context, store tree.Store) error {
	live, other := &d.b, &d.a
	if live.snap != nil {
		live, other = other, live
	}
	bar := newProgress(d.console)
	var err error
	live.state, err = restore.LiveState(ctx, store, d.live, other.state, d.collections, bar.reading)
	bar.end()
	if err != nil {
		return err
	}
	if live.state.Moving {
		d.warn("records came or went while the database was read")
	}
	return d.compare(ctx, tree.NewReader(store))
}

func (d *differing) compare(ctx context.Context, r *tree.Reader) error {
	out := bufio.NewWriterSize(d.out, 64<<10)
	o := restore.DiffOptions{Collections: d.collections}
	var p interface {
		record(restore.RecordDiff) error
		collection(restore.CollectionDiff) error
		end(restore.DiffReport) error
	}
	if d.json {
		p = &diffJSON{d, out}
	} else {
		p = &diffText{differing: d, recordText: recordText{out: out}}
	}
	o.Collection = p.collection
	if d.records {
		o.Record = p.record
	}
	rep, err := restore.Diff(ctx, r, d.a.state, d.b.state, o)
	if err == nil {
		err = p.end(rep)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if d.flags.Bool("exit-code") && !rep.Same() {
		return unfinished("see what differs: --records", "%s and %s differ", d.a.short, d.b.short)
	}
	return nil
}
