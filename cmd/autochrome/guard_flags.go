package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/guard"
)

// guardFlags are those of everything that guards.
func guardFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "listen", Usage: "address of the proxy", DefaultText: "a free port of 127.0.0.1"},
		&cli.StringFlag{Name: "durability", Usage: "batch: a point before the next write to the collection; or a time, such as 1s", Value: "batch"},
		&cli.StringFlag{Name: "max-loss", Usage: "how much of a collection may be lost, such as 5% or 0.05; VALIDATION_FAILURE_THRESHOLD is the share that must survive", DefaultText: "5%"},
		&cli.StringSliceFlag{Name: "expect", Usage: "old=new or old=gone: what becomes of a collection; may be given several times"},
		&cli.StringFlag{Name: "rollback-to", Usage: "base, last-good, ask or none; AUTOMATIC_ROLLBACK_ENABLED=false means none", DefaultText: "base"},
		&cli.StringFlag{Name: "source", Usage: "name of the database, where it would not be known again by itself"},
	}, tellFlags()...)
}

// guardEndFlags are those of a command's end.
func guardEndFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "max-time", Usage: "how long the command may take, such as 90m; MIGRATION_MAX_TIME has seconds; 0: no limit", DefaultText: "2h"},
		&cli.StringFlag{Name: "validate", Usage: "a command that says at the end whether all is well, by its exit code"},
	}
}

func durability(text string) (time.Duration, error) {
	if text == "batch" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usage("batch, or a time such as 1s", "--durability %q is neither", text)
	}
	return d, nil
}

// maxLoss is the share of a collection that may be lost.
func (s *session) maxLoss() (float64, error) {
	const def = 0.05
	text, from := s.flags.String("max-loss"), "--max-loss"
	if text == "" {
		text = firstOf(s.flags, "max-loss")
	}
	if text == "" {
		if text, from = os.Getenv("VALIDATION_FAILURE_THRESHOLD"), "VALIDATION_FAILURE_THRESHOLD"; text == "" {
			return def, nil
		}
	}
	survive := from != "--max-loss"
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		hint := "for example 5% or 0.05"
		if survive {
			hint = "it is the share that must survive, for example 95% or 0.95"
		}
		return 0, usage(hint, "%s %q is no share", from, text)
	}
	if survive {
		f = 1 - f
	}
	return f, nil
}

func (s *session) maxTime() (time.Duration, error) {
	const def = 2 * time.Hour
	text := s.flags.String("max-time")
	if text == "" {
		text = firstOf(s.flags, "max-time")
	}
	if text == "" {
		seconds := os.Getenv("MIGRATION_MAX_TIME")
		if seconds == "" {
			return def, nil
		}
		n, err := strconv.ParseFloat(seconds, 64)
		if err != nil || n < 0 {
			return 0, usage("it has seconds, such as 7200", "MIGRATION_MAX_TIME %q is no time", seconds)
		}
		return time.Duration(n * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usage("for example 90m or 2h; 0 for no limit", "--max-time %q is no time", text)
	}
	return d, nil
}

func expectations(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range pairs {
		from, to, ok := strings.Cut(p, "=")
		if !ok || from == "" || to == "" {
			return nil, usage("for example --expect docs=docs_v2 or --expect old=gone", "--expect %q is not of the form old=new", p)
		}
		out[from] = to
	}
	return out, nil
}

func (s *session) rollBackTo() (guard.Back, error) {
	text := s.flags.String("rollback-to")
	if text == "" {
		text = firstOf(s.flags, "rollback-to")
	}
	if text == "" {
		switch enabled := strings.ToLower(cmp.Or(os.Getenv("AUTOMATIC_ROLLBACK_ENABLED"), "true")); enabled {
		case "true", "1", "yes", "on":
			return guard.BackToBase, nil
		case "false", "0", "no", "off":
			return guard.BackNone, nil
		default:
			return "", usage("true or false", "AUTOMATIC_ROLLBACK_ENABLED %q is neither", enabled)
		}
	}
	switch b := guard.Back(text); b {
	case guard.BackToBase, guard.BackToLastGood, guard.BackNone:
		return b, nil
	case guard.BackAsk:
		if !s.inTerminal {
			return "", usage("base, last-good or none", "--rollback-to ask: there is no terminal to ask on")
		}
		return b, nil
	}
	return "", usage("base, last-good, ask or none", "--rollback-to %q is none of these", text)
}

// askBack asks where a failed run shall go back to.
func (s *session) askBack(rep guard.Report) (guard.Back, error) {
	s.warn("%s: %s", rep.Outcome, rep.Reason)
	in := bufio.NewReader(s.in)
	ctx := context.Background() // the run's own may have ended, which is why it is asked
	yes, err := s.ask(ctx, in, fmt.Sprintf("Roll back to the base, %s?", rep.Base.DisplayID()))
	if err != nil || yes {
		return guard.BackToBase, err
	}
	if rep.LastGood.ID != rep.Base.ID {
		yes, err = s.ask(ctx, in, fmt.Sprintf("To the last good point, %s?", rep.LastGood.DisplayID()))
		if err != nil || yes {
			return guard.BackToLastGood, err
		}
	}
	return guard.BackNone, nil
}

// shell gives the system's way to run a command line.
func shell(line string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/c", line}
	}
	return []string{"/bin/sh", "-c", line}
}
