package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/notify"
	"autochrome/restore"
)

// tellFlags are those of commands that others are told of.
func tellFlags() []cli.Flag { return secondFlags(tellSettings) }

// inHook is set for hooks: what a hook calls runs no hooks.
const inHook = "AUTOCHROME_HOOK"

// telling is who is told of what is done.
type telling struct {
	before, after, failure string // commands; "": none
	timeout                time.Duration
	web                    *notify.Webhook // nil: none
	always                 bool            // the web hook is told also of what went well

	// watch's, nil for others:
	ended    func(s *session, err error)            // is told first, and may add facts
	wants    func(err error, interrupted bool) bool // whether the web hook is told
	notified func(error)                            // is told whether it was
}

// telling reads the settings.
func (s *session) telling(ctx context.Context) (t telling, err error) {
	timeout := value(s.flags, "hook-timeout")
	if t.timeout, err = time.ParseDuration(timeout); err != nil || t.timeout < 0 {
		return t, usage("for example --hook-timeout 90s; 0: as long as it takes", "--hook-timeout %q is no length of time", timeout)
	}
	if os.Getenv(inHook) == "" {
		t.before, t.after, t.failure = value(s.flags, "hook-before"), value(s.flags, "hook-after"), value(s.flags, "hook-failure")
	}
	switch on := value(s.flags, "notify-on"); on {
	case "failure":
	case "always":
		t.always = true
	default:
		return t, usage("failure or always", "--notify-on %q is neither", on)
	}
	t.web, err = s.webhook(ctx)
	return t, err
}

// webhook gives the web hook of the settings; nil: there is none.
func (s *session) webhook(ctx context.Context) (*notify.Webhook, error) {
	w := &notify.Webhook{Template: notify.DefaultTemplate()}
	if file := value(s.flags, "notify-template-file"); file != "" {
		b, err := os.ReadFile(file)
		if err == nil {
			w.Template, err = notify.ParseTemplate(string(b))
		}
		if err != nil {
			return nil, usage("see docs/operating.md for what stands in one", "--notify-template-file %s: %v", file, err)
		}
	}
	file, command := typedFlag(s.flags, "notify-url-file"), typedFlag(s.flags, "notify-url-command")
	if file && command {
		return nil, usage("", "--notify-url-file and --notify-url-command exclude one another")
	}
	var err error
	if !command {
		w.URL, err = secret(s.flags, "notify-url-file", notifyEnv)
	}
	if err == nil && w.URL == "" {
		w.URL, err = s.secretOf(ctx, "notify-url-command")
	}
	if err != nil || w.URL == "" {
		return nil, err
	}
	if err := notify.CheckURL(w.URL); err != nil {
		return nil, usage("it is kept secret, so it is not shown", "the address of the web hook: %v", err)
	}
	return w, nil
}

// around does something that others are told of, as the settings say.
func (s *session) around(ctx context.Context, action string, do func() error) error {
	t, err := s.telling(ctx)
	if err != nil {
		return err
	}
	outliveReaders()
	return s.told(ctx, t, action, do)
}

// told does something between its hooks. A hook before it that fails stops it;
// one afterwards that fails leaves it done.
func (s *session) told(ctx context.Context, t telling, action string, do func() error) error {
	s.factsOf(action)
	err := s.hook(ctx, t, "before", t.before)
	began := err == nil
	if began {
		err = do()
	} else if ctx.Err() == nil {
		err = &hintedError{fmt.Errorf("nothing was done, since the hook before it failed: %w", err), "try it by hand; what it printed stands above"}
	}
	interrupted := ctx.Err() != nil
	if t.ended != nil {
		t.ended(s, err)
	}
	s.factsAfter(err, interrupted)
	ctx = context.WithoutCancel(ctx)
	bad := err != nil && !errors.Is(err, restore.ErrDeclined)
	if bad {
		if hookErr := s.hook(ctx, t, "failure", t.failure); hookErr != nil {
			s.warn("the hook for failures failed: %v", hookErr)
		}
	}
	if began {
		if hookErr := s.hook(ctx, t, "after", t.after); hookErr != nil {
			if err == nil {
				err = unfinished("try the hook by hand; what it printed stands above", "it is done, but the hook after it failed: %v", hookErr)
			} else {
				s.warn("the hook afterwards failed: %v", hookErr)
			}
		}
	}
	wanted := bad || t.always
	if t.wants != nil {
		wanted = t.wants(err, interrupted)
	}
	if wanted {
		s.message(ctx, t)
	}
	return err
}

// message sends the facts to the web hook. That it cannot be sent is a warning:
// what it is about stands.
func (s *session) message(ctx context.Context, t telling) {
	if t.web == nil {
		return
	}
	err := t.web.Send(ctx, s.facts)
	if err != nil {
		s.warn("the message to the web hook was not sent: %v", err)
	}
	if t.notified != nil {
		t.notified(err)
	}
}

// hook runs one; none if the command line is "". What it prints goes to stderr.
func (s *session) hook(ctx context.Context, t telling, which, line string) error {
	if line == "" {
		return nil
	}
	s.detail("running the hook %s", which) // its command line may hold a secret
	s.fact("hook", which)
	defer delete(s.facts, "hook")
	h := notify.Hook{Command: shell(line), Env: withoutSecrets(os.Environ()), Timeout: t.timeout, Stdout: s.err, Stderr: s.err}
	return h.Run(ctx, s.facts)
}
