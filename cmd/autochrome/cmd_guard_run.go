package main

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/guard"
	"autochrome/repo"
	"autochrome/snapshot"
)

func guardRunCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "run a command under guard", ArgsUsage: "-- COMMAND ...",
		Description: "The command finds the proxy in CHROMADB_URL, CHROMA_HOST and CHROMA_PORT,\n" +
			"CHROMA_SERVER_HOST and CHROMA_SERVER_HTTP_PORT. Writes that go around it are found at the end.\n" +
			"Exit codes: 0 success, 30 failed and rolled back, 31 failed and not rolled back.",
		Flags:  append(guardFlags(), guardEndFlags()...),
		Action: p.action(guardRun),
	}
}

func guardResumeCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "go on with a run that was cut off", ArgsUsage: "[RUN] -- COMMAND ...",
		Description: "What was written meanwhile becomes a point of its own. Then the command runs under\n" +
			"guard, upon the same base. Without RUN the newest of this database that was cut off. A run\n" +
			"of another source is refused unless --source names it. Exit code 11 while another process\n" +
			"is at it.",
		Flags:  append(guardFlags(), guardEndFlags()...),
		Action: p.action(guardResume),
	}
}

func guardProxyCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "proxy", Usage: "guard a client that is not started from here, until Ctrl-C",
		Flags:  guardFlags(),
		Action: p.action(guardProxy),
	}
}

func guardRun(ctx context.Context, s *session) error {
	before, command := s.beforeDashes()
	if len(before) > 0 || len(command) == 0 {
		return usage("for example: autochrome guard -- python migrate.py", "guard needs a command to run")
	}
	return s.guardNew(ctx, command)
}

func guardProxy(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	return s.guardNew(ctx, nil)
}

// guardNew guards a run from its beginning on.
func (s *session) guardNew(ctx context.Context, command []string) error {
	o, err := s.guardOptions(command)
	if err != nil {
		return err
	}
	return s.around(ctx, "guard", func() error {
		if err := canRun(command); err != nil {
			return err
		}
		return s.guard(ctx, func(*repo.Repository, snapshot.Source) (guard.Options, error) { return o, nil })
	})
}

// canRun fails where there is no such program, before anything is read of Chroma.
// The hook before may have made it.
func canRun(command []string) error {
	if command == nil {
		return nil
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return usage("name it as a shell would find it, and make it executable: chmod +x; what is of the shell goes behind sh -c", "the command cannot be run: %v", err)
	}
	return nil
}

func guardResume(ctx context.Context, s *session) error {
	names, command := s.beforeDashes()
	if len(names) > 1 || len(command) == 0 {
		return usage("for example: autochrome guard resume -- python migrate.py", "guard resume needs at most one run, and behind -- a command to run")
	}
	o, err := s.guardOptions(command)
	if err != nil {
		return err
	}
	return s.around(ctx, "guard", func() error {
		if err := canRun(command); err != nil {
			return err
		}
		return s.guard(ctx, func(r *repo.Repository, live snapshot.Source) (guard.Options, error) {
			ran, err := s.unfinishedRun(ctx, r, live, strings.Join(names, ""))
			o.Resume = &ran.Base
			return o, err
		})
	})
}

// unfinishedRun gives a run that can go on: without a name the newest of the live
// database, or of the source that --source names.
func (s *session) unfinishedRun(ctx context.Context, r *repo.Repository, live snapshot.Source, name string) (guard.Ran, error) {
	if name != "" {
		ran, err := guard.FindRun(ctx, r, name)
		if err == nil && ran.Ended != "" {
			err = &guard.EndedError{Run: ran.Name, How: ran.Ended}
		}
		return ran, err
	}
	all, err := guard.Runs(ctx, r)
	if err != nil {
		return guard.Ran{}, err
	}
	source := s.flags.String("source")
	if source == "" {
		if source, err = snapshot.SourceName(ctx, r, live); err != nil {
			return guard.Ran{}, err
		}
	}
	for _, ran := range slices.Backward(all) {
		if ran.Base.Source == source && ran.Ended == "" && ran.Holder == nil {
			return ran, nil
		}
	}
	return guard.Ran{}, &hintedError{errors.New("no run of this database was cut off"), "begin a new one: autochrome guard -- COMMAND; or see those of all: autochrome guard list"}
}

// guard carries out a run and tells what it came to.
func (s *session) guard(ctx context.Context, options func(*repo.Repository, snapshot.Source) (guard.Options, error)) error {
	db, err := s.openChroma(ctx)
	if err != nil {
		return err
	}
	guarded := func(r *repo.Repository) error {
		o, err := options(r, db)
		if err != nil {
			return err
		}
		o.Repository, o.Database, o.Transport, o.Full = r, db, db.Transport(), s.local.ReserveUsed
		if err := s.local.Reserve(guardReserve); err != nil {
			return &hintedError{err, "a guarded run holds back 84 MB, to finish its last point on a full disk"}
		}
		if o.Upstream, err = url.Parse(db.URL()); err != nil {
			return err
		}
		d := newGuardDisplay(s, &o)
		defer context.AfterFunc(ctx, d.stopping)()
		rep, err := guard.Run(ctx, o)
		d.end()
		if err != nil {
			return err
		}
		return s.guarded(rep)
	}
	err = s.withRepository(ctx, guarded)
	if errors.Is(err, repo.ErrNoRepository) {
		err = s.withNewRepository(ctx, func(*repo.Repository) error { return nil })
		if err == nil {
			err = s.withRepository(ctx, guarded)
		}
	}
	return err
}

// withoutSecrets is an environment without what opens repositories, which is
// nothing to a migration. What it needs for Chroma stays.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == notifyEnv || slices.ContainsFunc(allKeys, func(k keySettings) bool { return name == k.env() })
	})
}

// guardReserve is the space that is held back for the point in hand when the
// disk is full: twice what Chroma takes in one request, 40 MiB.
const guardReserve = 80 << 20

// guardOptions are what the flags say.
func (s *session) guardOptions(command []string) (o guard.Options, err error) {
	o = guard.Options{
		Command: command, Env: withoutSecrets(os.Environ()), Stdout: os.Stdout, Stderr: os.Stderr,
		Listen: s.flags.String("listen"), Resume: nil,
		Snapshot: snapshot.Options{Command: s.command, Version: build().Version},
	}
	if !s.inTerminal { // a command in a group of its own must not read from the terminal
		o.Stdin = os.Stdin
	}
	if s.json {
		o.Stdout = os.Stderr
	}
	if o.Snapshot.Source, err = s.givenSource(); err != nil {
		return o, err
	}
	if o.Durability, err = durability(s.flags.String("durability")); err != nil {
		return o, err
	}
	if o.MaxLoss, err = s.maxLoss(); err != nil {
		return o, err
	}
	if o.Expect, err = expectations(s.flags.StringSlice("expect")); err != nil {
		return o, err
	}
	if o.RollbackTo, err = s.rollBackTo(); err != nil {
		return o, err
	}
	o.Ask = s.askBack
	if command == nil {
		return o, nil
	}
	if o.MaxTime, err = s.maxTime(); err != nil {
		return o, err
	}
	if v := s.flags.String("validate"); v != "" {
		o.Validate = shell(v)
	}
	return o, nil
}
