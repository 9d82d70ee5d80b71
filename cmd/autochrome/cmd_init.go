package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func initCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "init", Usage: "make a repository",
		Description: "The folder must be empty or new, or hold only the archives of earlier scripts.\n" +
			"The first snapshot create does this too, and encrypts it where a password is configured.\n" +
			"Who has lost all passwords and identities has lost the repository.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "encrypt", Usage: "with a password, which is asked for where it is not configured"},
			&cli.StringSliceFlag{Name: "recipient", Usage: "encrypt it for an age recipient (age1…); may be given several times"},
			&cli.BoolFlag{Name: "no-encryption", Usage: "also where others can read it"},
			&cli.StringFlag{Name: "like", Usage: "`folder` of a repository to agree on ids with, so that copies between the two stay cheap"},
		}, secondFlags(likeKeys.settings())...),
		Action: p.action(initRepository),
	}
}

func initRepository(ctx context.Context, s *session) (err error) {
	if _, err := s.args(0); err != nil {
		return err
	}
	folder, err := s.folder()
	if err != nil {
		return err
	}
	o, err := s.initOptions(ctx)
	if err != nil {
		return err
	}
	if like := s.flags.String("like"); like != "" {
		if like, err = folderOf("like", like); err != nil {
			return err
		}
		if o.Like, err = s.openRepository(ctx, like, likeKeys); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.Like.Close()) }()
	}
	r, err := makeRepository(ctx, folder, o)
	if errors.Is(err, repo.ErrInvalid) && o.Like != nil && len(o.Keys) == 0 {
		return usage("--encrypt or --recipient", "%v", err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // nothing was left to be written
	if s.json {
		return s.printJSON(struct {
			Repository string `json:"repository"`
			ID         string `json:"id"`
			Encrypted  bool   `json:"encrypted"`
		}{r.Location(), r.ID(), r.Encrypted()})
	}
	if r.Encrypted() {
		return s.print("made the encrypted repository %s", r.Location())
	}
	return s.print("made the repository %s", r.Location())
}

// initOptions says how a new repository shall be: plain, unless a password is
// configured or the flags of init ask for encryption.
func (s *session) initOptions(ctx context.Context) (o repo.InitOptions, err error) {
	o.NoEncryption = s.flags.Bool("no-encryption")
	for _, recipient := range s.flags.StringSlice("recipient") {
		k := repo.NewKey{Recipient: recipient}
		if err := k.Validate(); err != nil {
			return o, usage("", "--recipient: %v", err)
		}
		o.Keys = append(o.Keys, k)
	}
	encrypt := s.flags.Bool("encrypt")
	if o.NoEncryption && (encrypt || len(o.Keys) > 0 || s.configured(ownKeys)) {
		return o, usage("", "--no-encryption excludes --encrypt, --recipient, and passwords or identities for the repository")
	}
	var password string
	if encrypt {
		password, err = s.newPassword(ctx, ownKeys)
	} else {
		password, err = s.password(ctx, ownKeys)
	}
	if err != nil {
		return o, err
	}
	if password != "" {
		o.Keys = append([]repo.NewKey{{Passphrase: password}}, o.Keys...)
	}
	if len(o.Keys) == 0 && value(s.flags, ownKeys.identity()) != "" {
		return o, usage("autochrome init --recipient age1…", "an identity opens a repository that is there; to make one, its recipient is needed")
	}
	return o, nil
}
