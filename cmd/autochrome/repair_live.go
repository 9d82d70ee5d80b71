package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/snapshot"
)

// soughtJSON is a chunk that repair packs --live looked for in Chroma.
type soughtJSON struct {
	Collection string `json:"collection,omitempty"`
	Column     string `json:"column"` // also description, nodes (of a tree), collections
	Records    int    `json:"records,omitempty"`
	First      string `json:"first_id,omitempty"`
	Last       string `json:"last_id,omitempty"`
	Found      bool   `json:"found"`
	Why        string `json:"why,omitempty"` // it was not found
}

// liveFlag has Chroma asked for what is lost.
func liveFlag(usage string) cli.Flag { return &cli.BoolFlag{Name: "live", Usage: usage} }

// withLive gives fn what asks Chroma for what is lost, nil without --live.
func (s *session) withLive(ctx context.Context, r *repo.Repository, fn func(*snapshot.Live) error) error {
	if !s.flags.Bool("live") {
		return fn(nil)
	}
	db, err := s.openChroma(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(s.console)
	defer bar.end()
	return snapshot.WithLive(ctx, r, db, func(done, all int) { bar.show("ask Chroma", done, all) }, fn)
}

// soughtOf gives what was looked for in Chroma, nil where nobody was asked.
func soughtOf(l *snapshot.Live) []soughtJSON {
	if l == nil {
		return nil
	}
	out := []soughtJSON{}
	for _, x := range l.Sought() {
		out = append(out, soughtJSON{x.Collection, x.Kind.String(), x.Rows, x.First, x.Last, x.Found, x.Why})
	}
	return out
}

// addSought adds what is taken from Chroma, or what stays lost, to a plan.
func addSought(t *table, list []soughtJSON, found bool) {
	n := 0
	for _, x := range list {
		if x.Found != found {
			continue
		}
		if n++; n > maxDamage {
			continue
		}
		if found {
			t.add("take", printable(x.String()), "from Chroma")
		} else {
			t.add("lost", printable(x.String()), x.Why)
		}
	}
	if more := n - maxDamage; more > 0 {
		t.add("", fmt.Sprintf("and %d more: --json has all", more), "")
	}
}

func (x soughtJSON) String() string {
	switch {
	case x.Column == "description":
		return "the description of a collection"
	case x.Collection == "":
		return "a part of a tree: " + x.Column
	case x.Records == 0:
		return fmt.Sprintf("%s, %s", x.Collection, x.Column)
	case x.First == "":
		return fmt.Sprintf("%s, %s of %s", x.Collection, x.Column, plural(x.Records, "record"))
	}
	return fmt.Sprintf("%s, %s of %s: %s", x.Collection, x.Column, plural(x.Records, "record"), whereabouts(x.First, x.Last, "", "", ""))
}
