package main

import (
	"context"

	"github.com/urfave/cli/v2"
)

func initCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "make a repository",
		Description: "The folder must be empty or new, or hold only the archives of earlier scripts.\nThe first snapshot create does this too.",
		Action:      p.action(initRepository),
	}
}

func initRepository(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	folder, err := s.folder()
	if err != nil {
		return err
	}
	r, err := makeRepository(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was left to be written
	if s.json {
		return s.printJSON(struct {
			Repository string `json:"repository"`
			ID         string `json:"id"`
		}{r.Location(), r.ID()})
	}
	return s.print("made the repository %s", r.Location())
}
