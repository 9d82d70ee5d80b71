package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func keyCommand(p *program) *cli.Command {
	forWhom := append([]cli.Flag{
		&cli.StringFlag{Name: "recipient", Usage: "for an age recipient (age1…) instead of a password"},
		&cli.StringFlag{Name: "label", Usage: "a word to know it by"},
	}, secondFlags(newKeys.passwords())...)
	return &cli.Command{
		Name: "key", Usage: "say who can open an encrypted repository",
		Subcommands: []*cli.Command{
			{Name: "list", Aliases: []string{"ls"}, Usage: "list the keys", Action: p.action(keyList)},
			{
				Name: "add", Usage: "add a key: for a new password, or an age recipient", Flags: forWhom,
				Action: p.action(func(ctx context.Context, s *session) error {
					return s.newKey(ctx, "key-add", "added", (*repo.Repository).AddKey)
				}),
			},
			{
				Name: "passwd", Usage: "put a new key in the place of the one that opens the repository now", Flags: forWhom,
				Description: "Nothing is encrypted anew: who knew the old password may have kept what it opened.",
				Action: p.action(func(ctx context.Context, s *session) error {
					return s.newKey(ctx, "key-passwd", "replaced", (*repo.Repository).ReplaceKey)
				}),
			},
			{
				Name: "remove", Aliases: []string{"rm"}, Usage: "remove a key", ArgsUsage: "KEY",
				Description: "The one that opens the repository now, and so the last one, cannot be removed.\n" +
					"Nothing is encrypted anew: who had the key may have kept what it opened.",
				Action: p.action(keyRemove),
			},
		},
	}
}

// keyJSON is a key.
type keyJSON struct {
	Key       string     `json:"key"`
	Current   bool       `json:"current"`
	Kind      string     `json:"kind,omitempty"`
	Created   *time.Time `json:"created,omitempty"`
	User      string     `json:"user,omitempty"`
	Host      string     `json:"host,omitempty"`
	Label     string     `json:"label,omitempty"`
	Recipient string     `json:"recipient,omitempty"`
	Damaged   string     `json:"damaged,omitempty"`
}

func describeKey(k repo.KeyInfo) keyJSON {
	out := keyJSON{Key: k.ID.String(), Current: k.Current, Kind: k.Kind, User: k.User, Host: k.Host, Label: k.Label, Recipient: k.Recipient}
	if k.Damaged != nil {
		out.Damaged = k.Damaged.Error()
	} else {
		out.Created = &k.Created
	}
	return out
}

func keyList(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		keys, err := r.Keys(ctx)
		if err != nil {
			return err
		}
		out := []keyJSON{}
		t := heading("", "KEY", "CREATED (UTC)", "BY", "KIND", "LABEL", "RECIPIENT")
		for _, k := range keys {
			out = append(out, describeKey(k))
			mark := ""
			if k.Current {
				mark = "*"
			}
			if k.Damaged != nil {
				t.add(mark, k.Short(), "", "", "damaged, or of another repository", "", "")
				continue
			}
			t.add(mark, k.Short(), k.Created.Format(time.DateTime), k.User+"@"+k.Host, k.Kind, k.Label, k.Recipient)
		}
		if s.json {
			return s.printJSON(struct {
				Repository string    `json:"repository"`
				Keys       []keyJSON `json:"keys"`
			}{r.Location(), out})
		}
		return t.write(s.out)
	})
}

// newKey makes a key, in addition to the others or in the place of one.
func (s *session) newKey(ctx context.Context, action, done string, how func(*repo.Repository, context.Context, repo.NewKey) (repo.KeyInfo, error)) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	k := repo.NewKey{Recipient: s.flags.String("recipient"), Label: s.flags.String("label")}
	typedNew := typedFlag(s.flags, newKeys.file()) || typedFlag(s.flags, newKeys.command())
	if k.Recipient != "" && typedNew {
		return usage("", "--recipient excludes a new password")
	}
	check := k
	if check.Recipient == "" {
		check.Passphrase = "later"
	}
	if err := check.Validate(); err != nil {
		return usage("", "%v", err)
	}
	return s.withRepository(ctx, func(r *repo.Repository) (err error) {
		if !r.Encrypted() {
			_, err := r.Keys(ctx)
			return err
		}
		if k.Recipient == "" {
			if k.Passphrase, err = s.newPassword(ctx, newKeys); err != nil {
				return err
			}
		}
		return s.audited(ctx, r, action, func(*repo.AuditEntry) error {
			made, err := how(r, ctx, k)
			if err != nil {
				return err
			}
			if s.json {
				return s.printJSON(describeKey(made))
			}
			return s.print("%s the key: %s is there now", done, made.Short())
		})
	})
}

func keyRemove(ctx context.Context, s *session) error {
	args, err := s.args(0, "KEY")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		k, err := r.FindKey(ctx, args[0])
		if err != nil {
			return err
		}
		return s.audited(ctx, r, "key-remove", func(*repo.AuditEntry) error {
			if err := r.RemoveKey(ctx, k); err != nil {
				return err
			}
			if s.json {
				return s.printJSON(describeKey(k))
			}
			return s.print("removed the key %s", k.Short())
		})
	})
}
