package main

import (
	"bufio"
	"context"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

func lsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list a snapshot's collections, or the ids of one", ArgsUsage: "ID [COLLECTION]",
		Description: "With --json the ids are lines of one object each, and a summary.",
		Flags:       []cli.Flag{sourceFlag()},
		Action:      p.action(ls),
	}
}

func ls(ctx context.Context, s *session) error {
	args, err := s.args(1, "ID", "COLLECTION")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		if args[1] != "" {
			return s.listIDs(ctx, r, snap, args[1])
		}
		cs, err := describe(ctx, r, snap)
		if err != nil {
			return err
		}
		if s.json {
			return s.printJSON(struct {
				SnapshotID  string           `json:"snapshot_id"`
				Collections []collectionJSON `json:"collections"`
			}{snap.DisplayID(), cs})
		}
		if s.quiet {
			for _, c := range cs {
				if err := s.print("%s", c.Name); err != nil {
					return err
				}
			}
			return nil
		}
		return s.printCollections(cs)
	})
}

func (s *session) listIDs(ctx context.Context, r *repo.Repository, snap repo.Snapshot, name string) error {
	reader := tree.NewReader(r)
	cs, err := collections(ctx, reader, snap, name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(s.out, 64<<10)
	var line []byte
	listed := 0
	err = reader.Groups(ctx, cs[0], func(_ int64, g tree.Group) error {
		ids, err := reader.Column(ctx, g, chunk.IDs)
		if err != nil {
			return err
		}
		for i := range ids.Len() {
			id, _ := ids.Row(i)
			line = line[:0]
			if s.json {
				line = append(line, `{"type":"record","id":`...)
				line = append(chunk.AppendJSONString(line, string(id)), '}')
			} else {
				line = append(line, printable(string(id))...)
			}
			if _, err := out.Write(append(harmlessJSON(line), '\n')); err != nil {
				return err
			}
			listed++
		}
		return nil
	})
	if err == nil && s.json {
		err = writeJSON(out, struct {
			Type    string `json:"type"` // summary
			Records int    `json:"records"`
		}{"summary", listed})
	}
	if err != nil {
		return err
	}
	return out.Flush()
}
