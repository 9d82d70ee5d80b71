package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/guard"
	"autochrome/repo"
)

func statusCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "tell where things stand: the newest snapshots, what is kept, what is open",
		Description: "It reads the repository alone, and does not ask Chroma. With files that are damaged\n" +
			"the exit code is 3.",
		Action: p.action(status),
	}
}

// statusJSON is what status --json prints.
type statusJSON struct {
	Repository string             `json:"repository"`
	Encrypted  bool               `json:"encrypted"`
	Chroma     chromaJSON         `json:"chroma"` // of the settings; nobody asked it
	Retention  retentionJSON      `json:"retention"`
	Sources    []sourceStatusJSON `json:"sources"`
	OpenRuns   []ranJSON          `json:"open_runs"` // that go on, or were cut off
	LastRun    *ranJSON           `json:"last_run,omitempty"`
	Damaged    []string           `json:"damaged"` // what is wrong with which file
}

type chromaJSON struct {
	URL      string `json:"url"`
	Tenant   string `json:"tenant"`
	Database string `json:"database"`
}

// retentionJSON is what becomes of old snapshots.
type retentionJSON struct {
	AutoCleanup bool     `json:"auto_cleanup"`
	Rules       []string `json:"rules"`
}

// sourceStatusJSON is where a source stands. A snapshot before a rollback and
// points of a run are counted, and are none of the others.
type sourceStatusJSON struct {
	Source       string     `json:"source"`
	Snapshots    int        `json:"snapshots"`
	Last         *standJSON `json:"last,omitempty"`
	LastGood     *standJSON `json:"last_good,omitempty"` // which is what latest means
	LastVerified *standJSON `json:"last_verified,omitempty"`
}

// standJSON is a snapshot and how old it is; for the last verified one, Time
// and Age are those of the verification.
type standJSON struct {
	SnapshotID string    `json:"snapshot_id"`
	Name       string    `json:"name,omitempty"`
	Time       time.Time `json:"time"`
	Age        int64     `json:"age_seconds"`
	Records    int64     `json:"records"`
	Suspect    string    `json:"suspect,omitempty"`
}

func status(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	auto, err := s.autoCleanup()
	if err != nil {
		return err
	}
	policy, _, err := s.policy()
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		out := statusJSON{
			Repository: r.Location(), Encrypted: r.Encrypted(), OpenRuns: []ranJSON{}, Damaged: []string{},
			Chroma:    chromaJSON{withoutUser(value(s.flags, "chromadb-url")), value(s.flags, "tenant"), value(s.flags, "database")},
			Retention: retentionJSON{auto, rules(policy)},
		}
		if out.Sources, err = s.sourcesStatus(ctx, r); err != nil {
			return err
		}
		runs, err := guard.Runs(ctx, r)
		if err != nil {
			return err
		}
		for _, x := range runs {
			if x.Ended == "" {
				out.OpenRuns = append(out.OpenRuns, ranOf(x, false))
			}
		}
		if n := len(runs); n > 0 {
			last := ranOf(runs[n-1], false)
			out.LastRun = &last
		}
		for _, d := range r.Damaged() {
			out.Damaged = append(out.Damaged, d.Error())
		}
		if s.json {
			err = s.printJSON(out)
		} else {
			err = s.printStatus(out)
		}
		if n := len(out.Damaged); err == nil && n > 0 {
			err = unfinished("see what is affected: autochrome check", "%s damaged", plural(n, "file"))
		}
		return err
	})
}

func (s *session) sourcesStatus(ctx context.Context, r *repo.Repository) ([]sourceStatusJSON, error) {
	list, err := standings(ctx, r)
	if err != nil {
		return nil, err
	}
	notes, err := r.Annotations(ctx)
	if err != nil {
		return nil, err
	}
	stand := func(x *repo.Snapshot, at time.Time) *standJSON {
		return &standJSON{x.DisplayID(), x.Name, at, int64(max(0, s.begun.Sub(at)).Seconds()), x.Root.Records, notes[x.ID].Suspect(*x)}
	}
	out := []sourceStatusJSON{}
	for _, x := range list {
		j := sourceStatusJSON{Source: x.source, Snapshots: x.snapshots}
		if x.last != nil {
			j.Last = stand(x.last, x.last.Time)
		}
		if x.good != nil {
			j.LastGood = stand(x.good, x.good.Time)
		}
		if x.verified != nil {
			j.LastVerified = stand(x.verified, x.at)
		}
		out = append(out, j)
	}
	return out, nil
}

func (s *session) printStatus(x statusJSON) error {
	t := &table{}
	t.add("repository", withReason(x.Repository, map[bool]string{true: "encrypted", false: "not encrypted"}[x.Encrypted]))
	t.add("chroma", x.Chroma.URL+", tenant "+x.Chroma.Tenant+", database "+x.Chroma.Database)
	t.add("kept", strings.Join(x.Retention.Rules, ", "))
	t.add("cleanup", map[bool]string{true: "after each snapshot", false: "only by: autochrome snapshot cleanup"}[x.Retention.AutoCleanup])
	for _, src := range x.Sources {
		t.add("source", src.Source+", "+plural(src.Snapshots, "snapshot"))
		t.add("  last", stood(src.Last))
		t.add("  last good", stood(src.LastGood))
		t.add("  last verified", stood(src.LastVerified))
	}
	if run := x.LastRun; run != nil && run.Ended != "" {
		t.add("last run", run.Run+", "+plural(run.Points, "point")+", begun "+age(int64(s.begun.Sub(run.Begun).Seconds()))+", "+run.Ended+": "+run.Command)
	}
	for _, run := range x.OpenRuns {
		what := "run not ended"
		if run.By != nil {
			what = "running"
		}
		t.add(what, run.Run+", "+plural(run.Points, "point")+", begun "+age(int64(s.begun.Sub(run.Begun).Seconds()))+": "+run.Command)
	}
	for _, d := range x.Damaged {
		t.add("damaged", d)
	}
	if err := t.write(s.out); err != nil {
		return err
	}
	if len(x.Sources) == 0 {
		s.say("no snapshots yet; take one with: autochrome snapshot create")
	}
	return nil
}

func stood(x *standJSON) string {
	if x == nil {
		return "none"
	}
	words := []string{age(x.Age), x.SnapshotID, plural(x.Records, "record")}
	if x.Name != "" {
		words = append(words, x.Name)
	}
	if x.Suspect != "" {
		words = append(words, "suspect: "+x.Suspect)
	}
	return strings.Join(words, ", ")
}

// age is a number of seconds ago, for a person.
func age(seconds int64) string {
	switch {
	case seconds < 120:
		return plural(seconds, "second") + " ago"
	case seconds < 2*3600:
		return plural(seconds/60, "minute") + " ago"
	case seconds < 2*86400:
		return plural(seconds/3600, "hour") + " ago"
	}
	return plural(seconds/86400, "day") + " ago"
}

// withoutUser is an address without user and password; "" where it is none.
func withoutUser(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}
