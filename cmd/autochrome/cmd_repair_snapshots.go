package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/snapshot"
)

func repairSnapshotsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "snapshots", Usage: "make new snapshots of what is left of damaged ones", ArgsUsage: "[ID ...]",
		Description: "Without IDs: of all that are damaged and were not repaired before. The new one has all\n" +
			"records but those that lack a column, is suspect if any do, and has the tag repaired-from. The damaged\n" +
			"one stays until it is deleted: autochrome snapshot delete. Repair the index and packs first.",
		Flags:  append(repairFlags(), sourceFlag(), liveFlag("take what is lost from Chroma, where a row group's column is as it was")),
		Action: p.action(repairSnapshots),
	}
}

// lackingJSON is a damaged snapshot, and what became of it.
type lackingJSON struct {
	SnapshotID  string           `json:"snapshot_id"`
	RepairedID  string           `json:"repaired_id,omitempty"`
	Records     int64            `json:"records"`
	Lost        int64            `json:"lost_records"`
	Collections []lackingColJSON `json:"collections"`
	Error       string           `json:"error,omitempty"` // nothing of it can be had
}

type lackingColJSON struct {
	Collection string     `json:"collection"`
	Lost       int64      `json:"lost_records"`
	Error      string     `json:"error,omitempty"` // nothing of it can be had
	Damage     []lostJSON `json:"damage"`          // the first of it
	Taken      []lostJSON `json:"taken,omitempty"` // from Chroma, likewise
}

func repairSnapshots(ctx context.Context, s *session) error {
	if err := s.mayRepair(); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		list, err := s.toRepair(ctx, r)
		if err != nil {
			return err
		}
		return s.withLive(ctx, r, func(l *snapshot.Live) error {
			return s.repairing(ctx, r, func(e *repo.AuditEntry) error { return s.repairedSnapshots(ctx, r, list, l, e) })
		})
	})
}

// toRepair gives the snapshots that the command names, or all but those that
// were repaired and what was made of them.
func (s *session) toRepair(ctx context.Context, r *repo.Repository) (list []repo.Snapshot, err error) {
	for _, word := range s.flags.Args().Slice() {
		x, err := s.find(ctx, r, word)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	if len(list) > 0 {
		return list, nil
	}
	all, err := r.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, x := range all {
		if of := x.Tags[repo.TagRepaired]; of != "" {
			done[of] = true
		}
	}
	for _, x := range all {
		if source := s.flags.String("source"); !done[x.DisplayID()] && (source == "" || x.Source == source) {
			list = append(list, x)
		}
	}
	return list, nil
}

func (s *session) repairedSnapshots(ctx context.Context, r *repo.Repository, list []repo.Snapshot, live *snapshot.Live, e *repo.AuditEntry) error {
	bar := newProgress(s.console)
	defer bar.end()
	var lacking []snapshot.Lacking
	out := []lackingJSON{}
	gone := 0
	for i, x := range list {
		bar.show("read snapshots", i, len(list))
		l, is, err := snapshot.FindLacking(ctx, r, x, live)
		if err != nil {
			return fmt.Errorf("%s: %w", x.DisplayID(), err)
		}
		if !is {
			continue
		}
		if l.Err != nil {
			gone++
		}
		lacking = append(lacking, l)
		out = append(out, lackingOf(l))
	}
	bar.end()
	if !s.json {
		if err := s.printLacking(out); err != nil {
			return err
		}
	}
	e.Counts = map[string]int64{"damaged": int64(len(lacking)), "repaired": 0}
	var err error
	if len(lacking) > gone {
		err = s.agreed(ctx, fmt.Sprintf("Make %s of what is left?", plural(len(lacking)-gone, "snapshot")))
	}
	for i := 0; i < len(lacking) && err == nil && !s.flags.Bool("dry-run"); i++ {
		if lacking[i].Err != nil {
			continue
		}
		var made repo.Snapshot
		if made, err = snapshot.Salvage(ctx, r, lacking[i], live, build().Version); err == nil {
			out[i].RepairedID = made.DisplayID()
			e.Counts["repaired"]++
			if !s.json {
				err = s.print("%s  of %s", made.DisplayID(), out[i].SnapshotID)
			}
		}
	}
	err = s.repairEnds(err, struct {
		Snapshots []lackingJSON `json:"snapshots"`
		Duration  int64         `json:"duration_ms"`
		Status    string        `json:"status"`
	}{out, s.millis(), s.repairStatus()})
	if err == nil && gone > 0 {
		err = unfinished("autochrome repair packs --from a copy may bring it back", "of %s nothing can be had", plural(gone, "snapshot"))
	}
	return err
}

func lackingOf(l snapshot.Lacking) lackingJSON {
	j := lackingJSON{SnapshotID: l.Snapshot.DisplayID(), Records: l.Snapshot.Root.Records, Lost: l.Records(), Collections: []lackingColJSON{}}
	if l.Err != nil {
		j.Error = l.Err.Error()
	}
	for _, c := range l.Collections {
		of := lackingColJSON{Collection: c.Name, Lost: c.Records, Damage: []lostJSON{}}
		if c.Whole != nil {
			of.Error = c.Whole.Error()
		}
		for _, d := range c.Damage {
			of.Damage = append(of.Damage, lostOf(c.Name, d))
		}
		for _, d := range c.Taken {
			of.Taken = append(of.Taken, lostOf(c.Name, d))
		}
		j.Collections = append(j.Collections, of)
	}
	return j
}

func (s *session) printLacking(list []lackingJSON) error {
	if len(list) == 0 {
		return s.print("no snapshot is damaged")
	}
	for _, j := range list {
		if j.Error != "" {
			if err := s.print("%s: nothing of it can be had: %s", j.SnapshotID, printable(j.Error)); err != nil {
				return err
			}
			continue
		}
		if err := s.print("%s: %d of %s lost", j.SnapshotID, j.Lost, plural(j.Records, "record")); err != nil {
			return err
		}
		for _, c := range j.Collections {
			if err := s.printLackingCollection(c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) printLackingCollection(c lackingColJSON) error {
	if c.Error != "" {
		return s.print("  leave out: %s, all of %s: %s", printable(c.Collection), plural(c.Lost, "record"), printable(c.Error))
	}
	for _, d := range c.Taken {
		err := s.print("  take from Chroma: %s, %s of %s: %s", printable(c.Collection), d.Column, plural(d.Count, "record"),
			printable(whereabouts(d.IDs[0], d.IDs[len(d.IDs)-1], "", "", "")))
		if err != nil {
			return err
		}
	}
	for _, d := range c.Damage {
		where := "ids not known, " + whereabouts("", "", d.After, d.Last, d.Before)
		if n := len(d.IDs); n > 0 {
			where = whereabouts(d.IDs[0], d.IDs[n-1], "", "", "")
		}
		if err := s.print("  leave out: %s, for the %s: %s, %s", printable(c.Collection), d.Column, plural(d.Count, "record"), printable(where)); err != nil {
			return err
		}
	}
	return nil
}
