package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

func verifyCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "read, decode and hash every chunk that a snapshot needs", ArgsUsage: "ID",
		Description: "Damage is named with the collection, the column and the records. A damaged snapshot\nbecomes suspect, so that it is never the latest, until it verifies again.",
		Flags:       []cli.Flag{sourceFlag()},
		Action:      p.action(verify),
	}
}

// maxDamage is how many damaged columns are named; all are counted.
const maxDamage = 100

// byVerify begins the reason of a snapshot that this command made suspect.
const byVerify = "verify: "

// verified is what a verification found, and what verify --json prints.
type verified struct {
	SnapshotID  string               `json:"snapshot_id"`
	Collections []verifiedCollection `json:"collections"`
	Records     int64                `json:"records"`         // whose columns were read
	Damaged     int64                `json:"damaged"`         // columns of row groups
	Affected    int64                `json:"damaged_records"` // in these
	Damage      []damagedIn          `json:"damage"`          // the first of them
	Duration    int64                `json:"duration_ms"`
	Status      string               `json:"status"` // ok or damaged
}

// verifiedCollection counts what was read of a collection.
type verifiedCollection struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Groups  int64  `json:"row_groups"`
	Damaged int64  `json:"damaged"` // columns of row groups
}

// damagedIn is one column of a row group, or a whole collection, that is not
// what was stored.
type damagedIn struct {
	Collection string   `json:"collection"`
	Column     string   `json:"column,omitempty"` // "": of the collection nothing behind this place can be read
	IDs        []string `json:"ids,omitempty"`    // of the row group; none where the ids themselves are damaged
	Last       string   `json:"last_id,omitempty"`
	Error      string   `json:"error"`
}

func verify(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		bar := newProgress(s.console)
		defer bar.end()
		v := verified{SnapshotID: snap.DisplayID(), Collections: []verifiedCollection{}, Damage: []damagedIn{}, Status: "ok"}
		if err := v.snapshot(ctx, r, snap, bar); err != nil {
			return err
		}
		bar.end()
		v.Duration = s.millis()
		if v.Damaged > 0 {
			v.Status = "damaged"
		}
		if err := s.noteVerified(ctx, r, snap, v); err != nil {
			return err
		}
		if err := s.printVerified(v); err != nil {
			return err
		}
		if v.Damaged > 0 {
			return unfinished("what is not named can still be restored; a copy of the damaged file put back repairs it, and a new snapshot stores again what Chroma still has",
				"%s is damaged: %s", v.SnapshotID, v.summary(snap))
		}
		return nil
	})
}

// isDamage tells bytes that are not what was written from a store that cannot
// be asked.
func isDamage(err error) bool {
	return errors.Is(err, repo.ErrDamaged) || errors.Is(err, chunk.ErrCorrupt)
}

func (v *verified) add(d damagedIn) {
	v.Damaged++
	if len(v.Damage) < maxDamage {
		v.Damage = append(v.Damage, d)
	}
}

func (v *verified) summary(s repo.Snapshot) string {
	return fmt.Sprintf("%d of %s affected", v.Affected, plural(s.Root.Records, "record"))
}

func (v *verified) snapshot(ctx context.Context, r *repo.Repository, s repo.Snapshot, bar *progress) error {
	reader := tree.NewReader(r)
	cs, err := reader.Collections(ctx, s.Root)
	if err != nil && isDamage(err) {
		v.Affected = s.Root.Records
		v.add(damagedIn{Error: err.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	for _, c := range cs {
		if err := v.collection(ctx, reader, c, bar); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	return nil
}

func (v *verified) collection(ctx context.Context, r *tree.Reader, c tree.Collection, bar *progress) error {
	of := verifiedCollection{Name: c.Name}
	before, bad := v.Damaged, false
	err := tree.Verify(ctx, r, c,
		func(g tree.Group) {
			of.Groups++
			if bad {
				v.Affected += int64(g.Count)
			}
			bad = false
			of.Records += int64(g.Count)
			bar.show("verify "+c.Name, int(of.Records), int(c.Top.Count))
		},
		func(g tree.Group, kind chunk.Kind, err error) error {
			if !isDamage(err) {
				return err
			}
			bad = bad || kind.IsColumn()
			v.add(damagedIn{c.Name, kind.String(), idsOf(ctx, r, g), g.Last, err.Error()})
			return nil
		})
	if err != nil && isDamage(err) {
		v.Affected += c.Top.Count - of.Records
		v.add(damagedIn{Collection: c.Name, Error: err.Error()})
		err = nil
	}
	of.Damaged = v.Damaged - before
	v.Records += of.Records
	v.Collections = append(v.Collections, of)
	return err
}

// idsOf gives the ids of a row group, nil where they cannot be read.
func idsOf(ctx context.Context, r *tree.Reader, g tree.Group) []string {
	rows, err := r.Column(ctx, g, chunk.IDs)
	if err != nil {
		return nil
	}
	ids := make([]string, rows.Len())
	for i := range ids {
		row, _ := rows.Row(i)
		ids[i] = string(row)
	}
	return ids
}

// noteVerified annotates the snapshot with what was found.
func (s *session) noteVerified(ctx context.Context, r *repo.Repository, snap repo.Snapshot, v verified) error {
	notes, err := r.Annotations(ctx)
	if err != nil {
		return err
	}
	suspect, is := notes[snap.ID].Value(repo.KeySuspect)
	if v.Damaged > 0 {
		if !is {
			s.annotate(ctx, r, repo.Annotation{Snapshot: snap.ID, Key: repo.KeySuspect, Value: byVerify + "damaged: " + v.summary(snap)})
		}
		return nil
	}
	if is && strings.HasPrefix(suspect, byVerify) {
		// What the record itself says against it still holds.
		s.annotate(ctx, r, repo.Annotation{Snapshot: snap.ID, Key: repo.KeySuspect, Value: snap.Suspect, Removed: snap.Suspect == ""})
	}
	s.annotate(ctx, r, repo.Annotation{Snapshot: snap.ID, Key: repo.KeyVerified,
		Value: fmt.Sprintf("all: %s in %s", plural(v.Records, "record"), plural(len(v.Collections), "collection"))})
	return nil
}

func (s *session) printVerified(v verified) error {
	if s.json {
		return s.printJSON(v)
	}
	for _, d := range v.Damage {
		if err := s.print("damaged: %s", d); err != nil {
			return err
		}
	}
	if more := v.Damaged - int64(len(v.Damage)); more > 0 {
		if err := s.print("and %d more", more); err != nil {
			return err
		}
	}
	if v.Damaged > 0 || s.quiet {
		return nil
	}
	return s.print("%s is whole: %s in %s read, decoded and hashed in %s", v.SnapshotID,
		plural(v.Records, "record"), plural(len(v.Collections), "collection"), took(s.begun))
}

// shownIDs is how many ids of a damaged row group a person is shown.
const shownIDs = 8

func (d damagedIn) String() string {
	switch {
	case d.Collection == "":
		return "the list of collections: " + printable(d.Error)
	case d.Column == "":
		return fmt.Sprintf("%s, the tree: %s", d.Collection, printable(d.Error))
	case len(d.IDs) == 0:
		return fmt.Sprintf("%s, %s of the records up to %q: %s", d.Collection, d.Column, d.Last, printable(d.Error))
	}
	var ids []string
	for _, id := range d.IDs[:min(shownIDs, len(d.IDs))] {
		ids = append(ids, printable(id))
	}
	text := strings.Join(ids, " ")
	if more := len(d.IDs) - len(ids); more > 0 {
		text += fmt.Sprintf(" and %d more up to %s (all: --json)", more, printable(d.Last))
	}
	return fmt.Sprintf("%s, %s of %s: %s: %s", d.Collection, d.Column, plural(len(d.IDs), "record"), text, printable(d.Error))
}
