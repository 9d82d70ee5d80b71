package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func tagCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "tag", Usage: "set and remove tags of a snapshot", ArgsUsage: "ID k=v... k-...",
		Description: "k=v sets a tag, also one that is set already; k- removes it.\n" +
			"What begins with a dash goes behind a bare --.",
		Flags:  []cli.Flag{sourceFlag()},
		Action: p.action(tag),
	}
}

func tag(ctx context.Context, s *session) error {
	words := s.flags.Args().Slice()
	full := s.flags.Command.HelpName
	if len(words) < 2 {
		return usage("for example: autochrome snapshot tag latest env=prod old-", "%s needs: ID, and a tag to set (k=v) or to remove (k-)", full)
	}
	changes, err := tagChanges(words[1:])
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, words[0])
		if err != nil {
			return err
		}
		err = s.audited(ctx, r, "tag", func(e *repo.AuditEntry) error {
			e.Snapshot = &snap.ID
			for _, a := range changes {
				a.Snapshot = snap.ID
				if err := r.Annotate(ctx, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		notes, err := r.Annotations(ctx)
		if err != nil {
			return err
		}
		l := listed(snap, notes[snap.ID])
		if s.json {
			return s.printJSON(struct {
				SnapshotID string            `json:"snapshot_id"`
				Tags       map[string]string `json:"tags"`
			}{l.SnapshotID, l.Tags})
		}
		return s.print("%s  %s", l.SnapshotID, printable(shownTags(l.Tags)))
	})
}

// tagChanges reads k=v and k-.
func tagChanges(words []string) (changes []repo.Annotation, err error) {
	seen := map[string]bool{}
	for _, w := range words {
		name, value, set := strings.Cut(w, "=")
		if !set {
			var removes bool
			if name, removes = strings.CutSuffix(w, "-"); !removes {
				return nil, usage("k=v sets a tag, k- removes it", "%q is neither k=v nor k-", w)
			}
		}
		if err := notValid("the tag to set or remove", repo.ValidTag(name)); err != nil {
			return nil, err
		}
		if slices.Contains(repo.OwnTags, name) {
			return nil, usage("choose another name", "tag %s is the program's own", name)
		}
		if seen[name] {
			return nil, usage("", "tag %s is given twice", name)
		}
		seen[name] = true
		changes = append(changes, repo.Annotation{Key: repo.TagKey(name), Value: value, Removed: !set})
	}
	return changes, nil
}

func shownTags(tags map[string]string) string {
	if len(tags) == 0 {
		return "no tags"
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		words = append(words, k+"="+tags[k])
	}
	return strings.Join(words, ", ")
}
