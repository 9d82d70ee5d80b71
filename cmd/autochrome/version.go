package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

// version is set when a release is built.
var version = "dev"

func versionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Action: p.printVersion,
	}
}

func (p *program) printVersion(c *cli.Context) error {
	return p.action(func(_ context.Context, s *session) error {
		if _, err := s.args(0); err != nil {
			return err
		}
		b := build()
		if s.json {
			return s.printJSON(b)
		}
		text := "autochrome " + b.Version
		if b.Commit != "" {
			day, _, _ := strings.Cut(b.Time, "T")
			text += " (" + b.Commit[:min(12, len(b.Commit))] + " of " + day
			if b.Modified {
				text += ", modified"
			}
			text += ")"
		}
		return s.print("%s %s %s, repository format %d", text, b.Go, b.Platform, b.Format)
	})(c)
}

// buildFacts say what program this is.
type buildFacts struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // since the commit
	Time     string `json:"commit_time,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Format   int    `json:"repository_format"`
}

func build() buildFacts {
	b := buildFacts{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Format: repo.Format}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
