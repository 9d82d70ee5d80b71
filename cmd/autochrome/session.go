package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/notify"
	"autochrome/repo"
	"autochrome/repo/backend"
)

// program is what all commands share.
type program struct {
	out     *console
	command string // the command line, without secrets
}

// session is one command that is carried out.
type session struct {
	*console
	flags     *cli.Context
	command   string
	begun     time.Time
	trigger   string                 // who started it, for the audit log
	local     *backend.Local         // of the repository that was opened last
	facts     notify.Facts           // of what is done, for hooks and messages
	passwords map[keySettings]string // passwords that somebody was asked for
}

// action makes a command's function one that urfave/cli calls.
func (p *program) action(run func(ctx context.Context, s *session) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		out := p.out
		out.json, out.quiet, out.verbose = c.Bool("json"), c.Bool("quiet"), c.Bool("verbose")
		out.colour = colours(out.errTerminal, c.Bool("no-color"))
		return run(c.Context, &session{console: out, flags: c, command: p.command, begun: time.Now(), trigger: "manual", passwords: map[keySettings]string{}})
	}
}

// args gives the arguments, of which there are as many as names; those of
// optional ones may be missing, and are "".
func (s *session) args(optional int, names ...string) ([]string, error) {
	args := s.flags.Args().Slice()
	full := s.flags.Command.HelpName
	if len(args) > len(names) {
		return nil, usage(helpHint(full), "%s takes %s: what is %q?", full, howMany(len(names)), args[len(names)])
	}
	if required := len(names) - optional; len(args) < required {
		hint := helpHint(full)
		if names[len(args)] == "ID" {
			hint = "see: autochrome snapshot list; latest is the newest"
		}
		return nil, usage(hint, "%s needs: %s", full, strings.Join(names[:required], " "))
	}
	for i, a := range args {
		if a == "" {
			return nil, usage(helpHint(full), "%s: %s is empty", full, names[i])
		}
	}
	return append(args, make([]string, len(names)-len(args))...), nil
}

// dashesKey finds in a command's context how many arguments stand before a bare
// --, which urfave/cli does not tell.
type dashesKey struct{}

// beforeDashes parts the arguments at a bare --; behind has none without it.
func (s *session) beforeDashes() (before, behind []string) {
	args := s.flags.Args().Slice()
	n, _ := s.flags.Context.Value(dashesKey{}).(int)
	if n < 0 {
		return args, nil
	}
	return args[:n], args[n:]
}

func howMany(n int) string {
	switch n {
	case 0:
		return "no arguments"
	case 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// millis is how long the command has taken until now.
func (s *session) millis() int64 { return time.Since(s.begun).Milliseconds() }

// remote is a repository's place that is no folder: s3:bucket, sftp://host. A
// single letter before the colon is a drive.
var remote = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// folder gives the repository's folder.
func (s *session) folder() (string, error) { return folderOf("repo", value(s.flags, "repo")) }

// folderOf gives the folder that a flag names.
func folderOf(flag, where string) (string, error) {
	if remote.MatchString(where) {
		if _, err := os.Stat(where); errors.Is(err, fs.ErrNotExist) {
			return "", usage("name a folder, also one on a mounted file system", "--%s %s: only folders can hold repositories yet", flag, where)
		}
	}
	return where, nil
}

// withRepository opens the repository for fn. repo.ErrNoRepository when there
// is none.
func (s *session) withRepository(ctx context.Context, fn func(r *repo.Repository) error) (err error) {
	folder, err := s.folder()
	if err != nil {
		return err
	}
	r, err := s.openRepository(ctx, folder, ownKeys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	err = fn(r)
	for _, d := range r.Damaged() {
		s.warn("damaged: %v", d)
	}
	return err
}

// openRepository opens the repository in a folder. What is configured for an
// encrypted one refuses a plain one: somebody may have put it there to be told
// what is written next.
func (s *session) openRepository(ctx context.Context, folder string, k keySettings) (*repo.Repository, error) {
	be, err := backend.OpenLocal(folder)
	if errors.Is(err, backend.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", folder, repo.ErrNoRepository)
	}
	if err != nil {
		return nil, err
	}
	s.local = be
	r, err := repo.OpenWith(ctx, be, repo.OpenOptions{
		Unlock: func(ctx context.Context) (repo.Credential, error) { return s.credential(ctx, k) },
	})
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	if s.configured(k) && !r.Encrypted() {
		err := usage(fmt.Sprintf("if that is right, leave out --%s, --%s and --%s, and unset %s, %s_FILE, %s_COMMAND and %s",
			k.file(), k.command(), k.identity(), k.env(), k.env(), k.env(), k.identityEnv()),
			"%s is not encrypted, but there is a password or an identity for it", folder)
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// makeRepository makes a repository in a folder, and the folder.
func makeRepository(ctx context.Context, folder string, o repo.InitOptions) (*repo.Repository, error) {
	be, err := backend.CreateLocal(folder)
	if err != nil {
		return nil, err
	}
	r, err := repo.Init(ctx, be, o)
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	return r, nil
}

// openChroma opens the live database.
func (s *session) openChroma(ctx context.Context) (*chroma.Database, error) {
	o, err := chromaOptions(s.flags)
	if err != nil {
		return nil, err
	}
	db, err := chroma.Open(ctx, o)
	if err != nil && !errors.As(err, new(*chroma.Error)) && ctx.Err() == nil {
		err = usage("", "%v", err) // the settings are wrong; nobody was asked
	}
	if err != nil {
		return nil, err
	}
	s.detail("Chroma at %v", db)
	return db, nil
}
