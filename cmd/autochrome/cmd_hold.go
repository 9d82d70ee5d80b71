package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func holdCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "hold", Usage: "keep a snapshot whatever the rules of cleanup say", ArgsUsage: "ID",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "why, as lists show it"},
			&cli.BoolFlag{Name: "release", Usage: "hold it no longer"},
			sourceFlag(),
		},
		Action: p.action(hold),
	}
}

func hold(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	why, release := s.flags.String("reason"), s.flags.Bool("release")
	if why != "" && release {
		return usage(helpHint(s.flags.Command.HelpName), "--reason is why it is held, and --release ends that; give one of them")
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		action, done := "hold", "held"
		if release {
			action, done = "release", "holds no longer"
		}
		return s.eachSnapshot(ctx, r, []repo.Snapshot{snap}, action, done, func(ctx context.Context, x repo.Snapshot) error {
			return r.Annotate(ctx, repo.Annotation{Snapshot: x.ID, Key: repo.KeyHold, Value: why, Removed: release})
		})
	})
}
