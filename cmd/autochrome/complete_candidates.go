package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/guard"
	"autochrome/repo"
)

// completeTime bounds how long to look for candidates: somebody waits.
const completeTime = 3 * time.Second

// candidates gives the words of a kind, with what was typed of a list before.
func (t *typedLine) candidates(ctx context.Context, app *cli.App, out *console, kind want) (list []candidate) {
	switch kind {
	case wantsCommand:
		list = t.commands()
	case wantsFlag:
		list = t.flagNames()
	case wantsOther:
		name := t.flag
		if name == "" {
			name = t.argument()
		}
		for _, w := range fewWords[name] {
			list = append(list, candidate{w, ""})
		}
	case wantsSnapshot, wantsCollection, wantsRun, wantsSource:
		list = t.stored(ctx, app, out, kind)
	}
	for i := range list {
		list[i].word = t.prefix + list[i].word
	}
	return list
}

func (t *typedLine) commands() (list []candidate) {
	for _, c := range t.levels[len(t.levels)-1].commands {
		if !c.Hidden {
			list = append(list, candidate{c.Name, c.Usage})
		}
	}
	return list
}

// flagNames are those of all levels, the command's own first.
func (t *typedLine) flagNames() (list []candidate) {
	for _, l := range slices.Backward(t.levels) {
		for _, f := range l.flags {
			name := "--" + f.Names()[0]
			if slices.ContainsFunc(list, func(c candidate) bool { return c.word == name }) {
				continue
			}
			about := ""
			if d, ok := f.(cli.DocGenerationFlag); ok {
				about = d.GetUsage()
			}
			list = append(list, candidate{name, about})
		}
	}
	return append(list, candidate{"--help", "show help"})
}

// stored looks into the repository that the command line names. A password
// comes from a file or the environment; a command for it is not run.
func (t *typedLine) stored(ctx context.Context, app *cli.App, out *console, kind want) (list []candidate) {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	if err := configure(app, &t.line); err != nil {
		return nil
	}
	p := &program{out: out}
	app.Commands = []*cli.Command{{
		Name: completeWord,
		Action: p.action(func(ctx context.Context, s *session) error {
			if value(s.flags, ownKeys.command()) != "" {
				return nil
			}
			return s.withRepository(ctx, func(r *repo.Repository) (err error) {
				list, err = t.inRepository(ctx, r, kind)
				return err
			})
		}),
	}}
	args := []string{app.Name}
	for _, g := range t.flags {
		if find(app.Flags, g.name) != nil && !isHelp(g.name) {
			args = append(args, g.String())
		}
	}
	_ = app.RunContext(ctx, append(args, completeWord)) // then there are no candidates
	return list
}

func (t *typedLine) inRepository(ctx context.Context, r *repo.Repository, kind want) ([]candidate, error) {
	read := r.Snapshots
	if t.has("undo") || t.has("deleted") {
		read = r.DeletedSnapshots
	}
	all, err := read(ctx)
	if err != nil {
		return nil, err
	}
	slices.Reverse(all)
	switch kind {
	case wantsRun:
		runs, err := guard.Runs(ctx, r)
		var list []candidate
		for _, x := range slices.Backward(runs) {
			list = append(list, candidate{x.Name, plural(len(x.Points), "point")})
		}
		return list, err
	case wantsSource:
		sources, err := r.Sources(ctx)
		var list []candidate
		for _, x := range sources {
			list = append(list, candidate{x.Name, plural(x.Snapshots, "snapshot")})
		}
		return list, err
	case wantsCollection:
		return t.collections(ctx, r, all)
	}
	return t.snapshots(all), nil
}

// snapshots are their names and ids, the newest first, without points of runs.
func (t *typedLine) snapshots(all []repo.Snapshot) (list []candidate) {
	if !t.has("undo") && len(all) > 0 {
		list = append(list, candidate{"latest", "the newest good one"})
	}
	if t.command.Name == "diff" && len(t.rest) == 1 {
		list = append(list, candidate{wordLive, "the database as it is"})
	}
	seen := map[string]bool{}
	var ids []candidate
	for _, x := range all {
		if x.Kind == repo.KindPoint {
			continue
		}
		about := fmt.Sprintf("%s, %s", age(int64(time.Since(x.Time).Seconds())), plural(x.Root.Records, "record"))
		if x.Name != "" && !seen[x.Name] {
			seen[x.Name] = true
			list = append(list, candidate{x.Name, about})
		}
		if x.Name != "" {
			about += ", " + x.Name
		}
		ids = append(ids, candidate{x.DisplayID(), about})
	}
	return append(list, ids...)
}

// collections are those of the snapshot that was typed before; else of the
// newest one of each source.
func (t *typedLine) collections(ctx context.Context, r *repo.Repository, all []repo.Snapshot) (list []candidate, err error) {
	of := all
	named := len(t.rest) > 0 && strings.HasPrefix(t.command.ArgsUsage, "ID")
	if named {
		snap, err := snapshotNamed(ctx, r, t.rest[0], "")
		if err != nil {
			return nil, err
		}
		of = []repo.Snapshot{snap}
	}
	sources, names := map[string]bool{}, map[string]bool{}
	for _, x := range of {
		if !named && x.Kind != repo.KindSnapshot || sources[x.Source] {
			continue
		}
		sources[x.Source] = true
		for _, c := range x.Collections {
			if !names[c.Name] {
				names[c.Name] = true
				list = append(list, candidate{c.Name, plural(c.Records, "record")})
			}
		}
	}
	return list, nil
}
