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
		Description: "Damage is named with the collection, the column and the records, also where it hides\nwhat lies under it; see all: --json. A damaged snapshot\nbecomes suspect, so that it is never the latest, until it verifies again.",
		Flags:       []cli.Flag{sourceFlag()},
		Action:      p.action(verify),
	}
}

// verifyAction is what audit entries of verifications by watch say.
const verifyAction = "verify"

// maxDamage is how many damaged columns are named; all are counted.
const maxDamage = 100

// byVerify begins the reason of a snapshot that this command made suspect.
const byVerify = "verify: "

// verified is what a verification found, and what verify --json prints.
type verified struct {
	SnapshotID  string               `json:"snapshot_id"`
	Collections []verifiedCollection `json:"collections"`
	Records     int64                `json:"records"`         // that were found
	Damaged     int64                `json:"damaged"`         // ranges of records of which a column is lost
	Affected    int64                `json:"damaged_records"` // in these
	Damage      []lostJSON           `json:"damage"`          // the first of them
	Duration    int64                `json:"duration_ms"`
	Status      string               `json:"status"` // ok or damaged

	ranges []lostRange // the first of them
	more   int         // ranges
}

// verifiedCollection counts what was read of a collection.
type verifiedCollection struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Groups  int64  `json:"row_groups"`
	Damaged int64  `json:"damaged"` // as above
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
		return s.verify(ctx, r, snap, s.printVerified)
	})
}

// verify reads all of a snapshot, notes what came of it, and shows it.
func (s *session) verify(ctx context.Context, r *repo.Repository, snap repo.Snapshot, show func(verified) error) error {
	bar := newProgress(s.console)
	defer bar.end()
	v := verified{SnapshotID: snap.DisplayID(), Collections: []verifiedCollection{}, Damage: []lostJSON{}, Status: "ok"}
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
	if err := show(v); err != nil {
		return err
	}
	if v.Damaged > 0 {
		return unfinished("what is not named can still be restored; autochrome repair packs takes what is lost from a copy (--from) or from Chroma (--live)",
			"%s is damaged: %s", v.SnapshotID, v.summary(snap))
	}
	return nil
}

// isDamage tells bytes that are not what was written from a store that cannot
// be asked.
func isDamage(err error) bool {
	return errors.Is(err, repo.ErrDamaged) || errors.Is(err, chunk.ErrCorrupt)
}

// add takes damage of one column to neighbours.
func (v *verified) add(collection string, ds []tree.Damage) error {
	for _, d := range ds {
		v.Damaged++
		if len(v.Damage) < maxDamage {
			v.Damage = append(v.Damage, lostOf(collection, d))
		}
	}
	if len(v.ranges) < maxDamage {
		v.ranges = append(v.ranges, rangeOf(collection, ds))
	} else {
		v.more++
	}
	return nil
}

func (v *verified) summary(s repo.Snapshot) string {
	return fmt.Sprintf("%d of %s affected", v.Affected, plural(s.Root.Records, "record"))
}

func (v *verified) snapshot(ctx context.Context, r *repo.Repository, s repo.Snapshot, bar *progress) error {
	reader := tree.NewReader(r)
	cs, lost, err := reader.CollectionsLeft(ctx, s.Root, damageIn(ctx))
	if err != nil && lost == 0 {
		return err
	}
	err = unlisted(s, cs, lost, err, func(collection string, d tree.Damage) error {
		v.Affected += d.Count
		return v.add(collection, []tree.Damage{d})
	})
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
	before := v.Damaged
	joined := neighbours{emit: func(ds []tree.Damage) error { return v.add(c.Name, ds) }}
	err := tree.Verify(ctx, r, c, damageIn(ctx), func(g tree.Group, lacking int) {
		of.Groups++
		of.Records += int64(g.Count)
		v.Affected += int64(lacking)
		bar.show("verify "+c.Name, int(of.Records), int(c.Top.Count))
	}, joined.add)
	if err == nil {
		err = joined.end()
	}
	v.Affected += c.Top.Count - of.Records // of which nothing was found
	of.Damaged = v.Damaged - before
	v.Records += of.Records
	v.Collections = append(v.Collections, of)
	return err
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
	for _, d := range v.ranges {
		if err := s.print("damaged: %s: %s", printable(d.String()), printable(d.why)); err != nil {
			return err
		}
	}
	if v.more > 0 {
		if err := s.print("and %d more", v.more); err != nil {
			return err
		}
	}
	if v.Damaged > 0 || s.quiet {
		return nil
	}
	return s.print("%s is whole: %s in %s read, decoded and hashed in %s", v.SnapshotID,
		plural(v.Records, "record"), plural(len(v.Collections), "collection"), took(s.begun))
}
