package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/guard"
	"autochrome/repo"
	"autochrome/tree"
)

func guardListCommand(p *program) *cli.Command {
	return &cli.Command{Name: "list", Aliases: []string{"ls"}, Usage: "list runs, the newest last", Action: p.action(guardList)}
}

func guardStatusCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "tell where a run stands", ArgsUsage: "[RUN]",
		Description: "Without RUN the newest.", Action: p.action(guardStatus),
	}
}

func guardShowCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "show", Usage: "list the points of a run, or the records of one point", ArgsUsage: "[RUN | RUN@POINT]",
		Description: "Without RUN the newest. RUN@17 shows the records that point 17 changed, with old and new\n" +
			"values; with --json in the form of diff. A point is a snapshot: autochrome rollback RUN@17,\n" +
			"diff RUN@10 RUN@17. RUN@last is the last one, RUN@base what the run began with.",
		Action: p.action(guardShow),
	}
}

// ranJSON is a run.
type ranJSON struct {
	Run     string       `json:"run"`
	Base    string       `json:"base"`
	Source  string       `json:"source"`
	Begun   time.Time    `json:"begun"`
	Last    string       `json:"last"`
	LastAt  time.Time    `json:"last_time"`
	Points  int          `json:"points"`
	Ended   string       `json:"ended,omitempty"`   // "": it goes on, or was cut off
	By      *repo.Holder `json:"running,omitempty"` // who is at it, if that can be known
	Command string       `json:"command,omitempty"`
	List    []pointJSON  `json:"list,omitempty"`
}

// pointJSON is a point of a run.
type pointJSON struct {
	Point      int       `json:"point"`
	SnapshotID string    `json:"snapshot_id"`
	Time       time.Time `json:"time"`
	Request    string    `json:"request"`
	Unrecorded bool      `json:"unrecorded,omitempty"`
	Records    int64     `json:"records"`
	Stored     int64     `json:"bytes_stored"`
}

func ranOf(r guard.Ran, points bool) ranJSON {
	out := ranJSON{
		Run: r.Name, Base: r.Base.DisplayID(), Source: r.Base.Source, Begun: r.Base.Time, Last: r.Last().DisplayID(),
		LastAt: r.Last().Time, Points: len(r.Points), Ended: r.Ended, Command: r.Base.Command, By: r.Holder,
	}
	if points {
		for i, p := range r.Points {
			out.List = append(out.List, pointJSON{
				i + 1, p.DisplayID(), p.Time, p.Tags[guard.TagRequest], p.Tags[guard.TagUnrecorded] != "", p.Root.Records, p.Stats.BytesStored})
		}
	}
	return out
}

func guardList(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		all, err := guard.Runs(ctx, r)
		if err != nil {
			return err
		}
		out := []ranJSON{}
		t := heading("RUN", "BEGUN (UTC)", "POINTS", "END", "COMMAND")
		for _, ran := range all {
			x := ranOf(ran, false)
			out = append(out, x)
			t.add(x.Run, x.Begun.UTC().Format(time.DateTime), x.Points, ended(x), x.Command)
		}
		switch {
		case s.json:
			return s.printJSON(struct {
				Runs []ranJSON `json:"runs"`
			}{out})
		case len(out) == 0:
			s.say("no runs yet; begin one with: autochrome guard -- COMMAND")
			return nil
		}
		return t.write(s.out)
	})
}

func ended(x ranJSON) string {
	if x.By != nil {
		return "running"
	}
	return cmp.Or(x.Ended, "cut off")
}

func (s *session) withRun(ctx context.Context, fn func(guard.Ran) error) error {
	args, err := s.args(1, "RUN")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		ran, err := guard.FindRun(ctx, r, args[0])
		if err != nil {
			return err
		}
		return fn(ran)
	})
}

func guardStatus(ctx context.Context, s *session) error {
	return s.withRun(ctx, func(ran guard.Ran) error {
		x := ranOf(ran, false)
		if s.json {
			return s.printJSON(x)
		}
		t := &table{}
		t.add("run", x.Run)
		t.add("command", x.Command)
		t.add("begun", x.Begun.UTC().Format(time.RFC3339))
		t.add("base", x.Base)
		t.add("points", x.Points)
		t.add("last", fmt.Sprintf("%s, %s", x.Last, x.LastAt.UTC().Format(time.RFC3339)))
		t.add("end", ended(x))
		if x.By != nil {
			t.add("by", *x.By)
		}
		if err := t.write(s.out); err != nil {
			return err
		}
		if x.Ended == "" && x.By == nil {
			s.say("go on with: autochrome guard resume %s -- COMMAND, or back: autochrome rollback %s@base", x.Run, x.Run)
		}
		return nil
	})
}

func guardShow(ctx context.Context, s *session) error {
	if word := s.flags.Args().First(); strings.Contains(word, "@") {
		return s.showPoint(ctx, word)
	}
	return s.withRun(ctx, func(ran guard.Ran) error {
		x := ranOf(ran, true)
		if s.json {
			return s.printJSON(x)
		}
		t := heading("POINT", "ID", "TIME (UTC)", "RECORDS", "STORED", "REQUEST")
		t.add(0, x.Base, x.Begun.UTC().Format(time.DateTime), ran.Base.Root.Records, size(ran.Base.Cost()), "base")
		for _, p := range x.List {
			t.add(p.Point, p.SnapshotID, p.Time.UTC().Format(time.DateTime), p.Records, size(p.Stored), p.Request)
		}
		return t.write(s.out)
	})
}

// showPoint shows what a point changed.
func (s *session) showPoint(ctx context.Context, word string) error {
	if _, err := s.args(0, "RUN@POINT"); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		name, which, _ := strings.Cut(word, "@")
		ran, err := guard.FindRun(ctx, r, name)
		if err != nil {
			return err
		}
		snap, err := ran.Point(which)
		if err != nil {
			return err
		}
		n := slices.IndexFunc(ran.Points, func(p repo.Snapshot) bool { return p.ID == snap.ID })
		if n < 0 {
			return usage("see: autochrome snapshot info "+snap.DisplayID(), "%s is what the run began with, and no point of it", word)
		}
		before := ran.Base
		if n > 0 {
			before = ran.Points[n-1]
		}
		d := differing{session: s, repo: r, records: true}
		if d.a, err = d.sideOf(ctx, before); err != nil {
			return err
		}
		if d.b, err = d.sideOf(ctx, snap); err != nil {
			return err
		}
		if !s.json {
			s.say("point %d of %s, %s: %s, %s stored", n+1, ran.Name, snap.Time.UTC().Format(time.RFC3339), printable(snap.Tags[guard.TagRequest]), size(snap.Stats.BytesStored))
		}
		return d.compare(ctx, tree.NewReader(r))
	})
}

// pointOf gives the snapshot that RUN@17, RUN@last or RUN@base means; ok is
// false for words that are not of this form.
func pointOf(ctx context.Context, r *repo.Repository, word string) (snap repo.Snapshot, ok bool, err error) {
	name, which, ok := strings.Cut(word, "@")
	if !ok {
		return snap, false, nil
	}
	ran, err := guard.FindRun(ctx, r, name)
	if err != nil {
		return snap, true, err
	}
	snap, err = ran.Point(which)
	return snap, true, err
}
