package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/snapshot"
)

func statsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "stats", Usage: "show what snapshots take, all or one", ArgsUsage: "[ID]",
		Description: "LOGICAL is what each would take if nothing were shared, STORED what is there,\n" +
			"ALONE what only one snapshot needs: deleting it frees so much, and deleting several\n" +
			"may free more than the sum. Sizes are as stored; no record is read.",
		Flags:  []cli.Flag{sourceFlag()},
		Action: p.action(stats),
	}
}

// statsJSON is what stats --json prints. Sizes are bytes.
type statsJSON struct {
	Repository  string                `json:"repository"`
	Size        int64                 `json:"repository_bytes"` // of all its files
	Logical     int64                 `json:"logical_bytes"`
	Stored      int64                 `json:"stored_bytes"`
	Ratio       float64               `json:"dedup_ratio"`
	Chunks      int64                 `json:"chunks"`
	Snapshots   []statsSnapshotJSON   `json:"snapshots"`
	Collections []statsCollectionJSON `json:"collections"`
	Kinds       []statsKindJSON       `json:"kinds"`
}

type statsSnapshotJSON struct {
	SnapshotID string    `json:"snapshot_id"`
	Name       string    `json:"name"`
	Time       time.Time `json:"time"`
	Records    int64     `json:"records"`
	Logical    int64     `json:"logical_bytes"`
	Alone      int64     `json:"alone_bytes"`
}

type statsCollectionJSON struct {
	Source    string `json:"source"`
	Name      string `json:"name"`
	Snapshots int    `json:"snapshots"`
	Logical   int64  `json:"logical_bytes"`
	Stored    int64  `json:"stored_bytes"`
}

type statsKindJSON struct {
	Kind   string `json:"kind"` // a column, or what the tree is made of
	Chunks int64  `json:"chunks"`
	Stored int64  `json:"stored_bytes"`
}

func stats(ctx context.Context, s *session) error {
	args, err := s.args(1, "ID")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		source := s.flags.String("source")
		wanted := func(x repo.Snapshot) bool { return source == "" || x.Source == source }
		if args[0] != "" {
			snap, err := s.find(ctx, r, args[0])
			if err != nil {
				return err
			}
			wanted = func(x repo.Snapshot) bool { return x.ID == snap.ID }
		}
		list, err := r.Snapshots(ctx)
		if err != nil {
			return err
		}
		st, err := snapshot.Measure(ctx, r, list, wanted)
		if err != nil {
			return err
		}
		all, err := r.Size(ctx)
		if err != nil {
			return err
		}
		return s.printStats(statsOf(r, st, all))
	})
}

func statsOf(r *repo.Repository, st snapshot.Stats, all repo.Size) statsJSON {
	j := statsJSON{
		Repository: r.Location(), Size: all.Bytes, Logical: st.Logical, Stored: st.Stored, Chunks: st.Chunks,
		Snapshots: []statsSnapshotJSON{}, Collections: []statsCollectionJSON{}, Kinds: []statsKindJSON{},
	}
	if st.Stored > 0 {
		j.Ratio = float64(st.Logical) / float64(st.Stored)
	}
	for _, x := range st.Snapshots {
		j.Snapshots = append(j.Snapshots, statsSnapshotJSON{x.Snapshot.DisplayID(), x.Snapshot.Name, x.Snapshot.Time, x.Snapshot.Root.Records, x.Logical, x.Alone})
	}
	for _, c := range st.Collections {
		j.Collections = append(j.Collections, statsCollectionJSON(c))
	}
	for _, k := range st.Kinds {
		j.Kinds = append(j.Kinds, statsKindJSON{k.Kind.String(), k.Chunks, k.Stored})
	}
	return j
}

func (s *session) printStats(j statsJSON) error {
	if s.json {
		return s.printJSON(j)
	}
	snapshots := heading("SNAPSHOT", "TIME (UTC)", "RECORDS", "LOGICAL", "ALONE", "NAME")
	for _, x := range j.Snapshots {
		snapshots.add(x.SnapshotID, x.Time.UTC().Format(time.DateTime), x.Records, size(x.Logical), size(x.Alone), x.Name)
	}
	collections := heading("COLLECTION", "SNAPSHOTS", "LOGICAL", "STORED", "SOURCE")
	for _, c := range j.Collections {
		collections.add(c.Name, c.Snapshots, size(c.Logical), size(c.Stored), c.Source)
	}
	kinds := heading("COLUMN", "CHUNKS", "STORED")
	for _, k := range j.Kinds {
		kinds.add(k.Kind, k.Chunks, size(k.Stored))
	}
	for _, t := range []*table{snapshots, collections, kinds} {
		if err := t.write(s.out); err != nil {
			return err
		}
		if err := s.print(""); err != nil {
			return err
		}
	}
	times := ""
	if j.Ratio > 0 {
		times = fmt.Sprintf(", %.1f times as much", j.Ratio)
	}
	return s.print("%s stored in %s; %s if nothing were shared%s; the repository's files take %s",
		size(j.Stored), plural(j.Chunks, "chunk"), size(j.Logical), times, size(j.Size))
}
