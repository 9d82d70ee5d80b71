package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

func catCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "cat", Usage: "print one record of a snapshot as JSON", ArgsUsage: "ID COLLECTION RECORD",
		Description: "Numbers are exact: 64-bit integers in full, floats with the fewest digits that say them.",
		Flags:       []cli.Flag{sourceFlag()},
		Action:      p.action(cat),
	}
}

func cat(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID", "COLLECTION", "RECORD")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		reader := tree.NewReader(r)
		cs, err := collections(ctx, reader, snap, args[1])
		if err != nil {
			return err
		}
		record, err := findRecord(ctx, reader, cs[0], args[2])
		if err != nil {
			return err
		}
		if record == nil {
			return &hintedError{fmt.Errorf("%s: collection %q has no record %q", snap.DisplayID(), args[1], args[2]),
				"see: autochrome ls " + snap.DisplayID() + " " + args[1]}
		}
		_, err = s.out.Write(append(harmlessJSON(chunk.AppendRecordJSON(nil, *record, !s.json)), '\n'))
		return err
	})
}

var errFound = errors.New("found")

// findRecord goes through the ids; nil: it is not there.
func findRecord(ctx context.Context, r *tree.Reader, c tree.Collection, id string) (*chunk.Record, error) {
	var found *chunk.Record
	err := r.Groups(ctx, c, func(_ int64, g tree.Group) error {
		ids, err := r.Column(ctx, g, chunk.IDs)
		if err != nil {
			return err
		}
		for i := range ids.Len() {
			if row, _ := ids.Row(i); string(row) != id {
				continue
			}
			recs, err := r.Records(ctx, g)
			if err != nil {
				return err
			}
			record, err := recs.Record(i)
			if err != nil {
				return err
			}
			found = &record
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}
