package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"autochrome/repo"
)

// keySettings name what opens one of the repositories of a command line. The
// prefix is "" for the repository itself.
type keySettings struct{ prefix, what string }

var (
	ownKeys  = keySettings{"", "the repository"}
	newKeys  = keySettings{"new-", "the new key"}
	toKeys   = keySettings{"to-", "the other repository"}
	fromKeys = keySettings{"from-", "the copy"}
	likeKeys = keySettings{"like-", "the repository that it shall be like"}

	allKeys = []keySettings{ownKeys, newKeys, toKeys, fromKeys, likeKeys}
)

func (k keySettings) file() string     { return k.prefix + "password-file" }
func (k keySettings) command() string  { return k.prefix + "password-command" }
func (k keySettings) identity() string { return k.prefix + "identity-file" }

// env is the variable with the password itself, or the beginning of the others.
func (k keySettings) env() string {
	return "AUTOCHROME_" + strings.ToUpper(strings.ReplaceAll(k.prefix, "-", "_")) + "PASSWORD"
}

func (k keySettings) identityEnv() string {
	return strings.TrimSuffix(k.env(), "PASSWORD") + "IDENTITY_FILE"
}

func (k keySettings) passwords() []setting {
	return []setting{
		{k.file(), "file with the password of " + k.what + "; or the password itself in " + k.env(), "", []string{k.env() + "_FILE"}},
		{k.command(), "command that prints the password of " + k.what, "", []string{k.env() + "_COMMAND"}},
	}
}

// settings are those that open a repository.
func (k keySettings) settings() []setting {
	return append(k.passwords(), setting{k.identity(), "file with age identities that open " + k.what, "", []string{k.identityEnv()}})
}

// password gives the password that is configured; "": none is.
func (s *session) password(ctx context.Context, k keySettings) (string, error) {
	file, command := typedFlag(s.flags, k.file()), typedFlag(s.flags, k.command())
	if file && command {
		return "", usage("", "--%s and --%s exclude one another", k.file(), k.command())
	}
	if v := os.Getenv(k.env()); v != "" && !file && !command {
		return v, nil
	}
	if name := value(s.flags, k.file()); name != "" && !command {
		return secret(s.flags, k.file(), k.env())
	}
	return s.secretOf(ctx, k.command())
}

// secretOf runs the command that a setting names, in the system's shell, and
// takes what it prints; "": there is no such command. It may ask on the
// terminal. It is not quoted in errors: it may hold a secret.
func (s *session) secretOf(ctx context.Context, setting string) (string, error) {
	line := value(s.flags, setting)
	if line == "" {
		return "", nil
	}
	words := shell(line)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stderr = s.in, s.err
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", usage("try it by hand", "--%s: the command failed: %v", setting, err)
	}
	text := strings.TrimRight(string(out), "\r\n")
	if text == "" {
		return "", usage("try it by hand", "--%s: the command printed nothing", setting)
	}
	return text, nil
}

// configured reports whether there is any setting for an encrypted repository.
func (s *session) configured(k keySettings) bool {
	return os.Getenv(k.env()) != "" || value(s.flags, k.file()) != "" || value(s.flags, k.command()) != "" || value(s.flags, k.identity()) != ""
}

// credential gives what opens an encrypted repository: what is configured, or
// else a password that is asked for on the terminal.
func (s *session) credential(ctx context.Context, k keySettings) (repo.Credential, error) {
	password, err := s.password(ctx, k)
	if err != nil {
		return repo.Credential{}, err
	}
	identity := value(s.flags, k.identity())
	if password == "" && identity == "" {
		if password = s.passwords[k]; password == "" {
			if password, err = s.askPassword(ctx, k, "password of "+k.what); err != nil {
				return repo.Credential{}, err
			}
			s.passwords[k] = password
		}
	}
	if identity == "" {
		return repo.NewCredential(password)
	}
	b, err := os.ReadFile(identity)
	if err != nil {
		return repo.Credential{}, usage("", "--%s: %v", k.identity(), err)
	}
	c, err := repo.NewCredential(password, bytes.NewReader(b))
	if err != nil {
		return c, usage("", "--%s: %s: %v", k.identity(), identity, err)
	}
	return c, nil
}

// newPassword gives the password of a key that is to be made: what is
// configured, or else one that is asked for twice.
func (s *session) newPassword(ctx context.Context, k keySettings) (string, error) {
	password, err := s.password(ctx, k)
	if err != nil || password != "" {
		return password, err
	}
	if password, err = s.askPassword(ctx, k, "new password of "+k.what); err != nil {
		return "", err
	}
	again, err := s.askPassword(ctx, k, "the same again")
	if err != nil {
		return "", err
	}
	if password != again {
		return "", errors.New("the two passwords differ; nothing was done")
	}
	return password, nil
}

// askPassword asks on the terminal, without echo.
func (s *session) askPassword(ctx context.Context, k keySettings, what string) (string, error) {
	if !s.inTerminal {
		return "", usage(fmt.Sprintf("--%s, --%s or %s", k.file(), k.command(), k.env()), "there is no terminal to ask for the %s", what)
	}
	in := int(s.in.Fd())
	before, err := term.GetState(in)
	if err != nil {
		return "", err
	}
	_, _ = io.WriteString(s.err, s.line(what)+": ")
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // it waits until the program ends where nobody answers
		text, err := term.ReadPassword(in)
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(in, before) // it echoes again
		s.note("")
		return "", ctx.Err()
	case a := <-answers:
		s.note("")
		if a.err == nil && len(a.text) == 0 {
			a.err = errors.New("an empty password; nothing was done")
		}
		return string(a.text), a.err
	}
}

// secondFlags are the settings of another repository, for the commands that
// need one.
func secondFlags(lists ...[]setting) []cli.Flag {
	var flags []cli.Flag
	for _, list := range lists {
		for _, s := range list {
			flags = append(flags, &cli.StringFlag{Name: s.name, Usage: s.usage, DefaultText: s.def, EnvVars: s.env})
		}
	}
	return flags
}
