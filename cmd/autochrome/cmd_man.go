package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

func manCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "write the manual pages, one for each command", ArgsUsage: "[DIR]",
		Description: "They say what --help says. Without DIR the page about the program is printed:\n" +
			"autochrome man | man -l -",
		Action: p.action(func(_ context.Context, s *session) error {
			args, err := s.args(1, "DIR")
			if err != nil {
				return err
			}
			pages := manPages(s.flags.App)
			if args[0] == "" {
				_, err := s.out.Write(pages[0].text)
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			files := []string{}
			for _, page := range pages {
				file := filepath.Join(args[0], page.name+".1")
				if err := os.WriteFile(file, page.text, 0o644); err != nil {
					return err
				}
				files = append(files, file)
			}
			if s.json {
				return s.printJSON(struct {
					Files []string `json:"files"`
				}{files})
			}
			return s.print("%s in %s", plural(len(files), "page"), args[0])
		}),
	}
}
