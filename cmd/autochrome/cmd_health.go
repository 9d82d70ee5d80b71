package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/chunk"
)

func healthCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "health-check", Usage: "ask whether Chroma answers and every collection can be read",
		Description: "Reads the count of each collection and, with their vectors, a hundred records from a random\n" +
			"place on; --full lists all ids and reads all records. It needs no repository.\n" +
			"Exit codes: 0 healthy; 3 something cannot be read or does not agree; 20 Chroma does not answer.\n" +
			"With --nagios those of a Nagios plugin: 0, 2 for critical, 3 for unknown.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "full", Usage: "read every record"},
			&cli.DurationFlag{Name: "within", Usage: "how long it may take in all; 0: as long as it takes", DefaultText: "30s, with --full 0"},
			&cli.BoolFlag{Name: "nagios", Usage: "print one line with performance data, and exit as a plugin does"},
		},
		Action: p.action(health),
	}
}

// healthJSON is what health-check --json prints.
type healthJSON struct {
	Status      string                 `json:"status"` // healthy or damaged
	URL         string                 `json:"url"`
	Tenant      string                 `json:"tenant"`
	Database    string                 `json:"database"`
	Version     string                 `json:"version"` // by the server's word: every one measured says 1.0.0
	Arrays      bool                   `json:"arrays"`  // it takes arrays as metadata values, as since 1.4
	Latency     float64                `json:"latency_ms"`
	Full        bool                   `json:"full"`
	Collections []collectionHealthJSON `json:"collections"`
	Records     int64                  `json:"records"`
	Problems    int                    `json:"problems"`
	Duration    int64                  `json:"duration_ms"`
}

func health(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	if s.json && s.flags.Bool("nagios") {
		return usage("", "--nagios and --json exclude one another")
	}
	full, within := s.flags.Bool("full"), s.flags.Duration("within")
	if within < 0 {
		return usage("for example --within 10s; 0: as long as it takes", "--within %v is negative", within)
	}
	if !s.flags.IsSet("within") && !full {
		within = 30 * time.Second
	}
	limited := ctx
	if within > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	h, err := s.health(limited, full)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = &chroma.Error{Op: "check the health", URL: withoutUser(value(s.flags, "chromadb-url")), Kind: chroma.ErrUnreachable,
			Message: fmt.Sprintf("not done within %v", within)}
	}
	if s.flags.Bool("nagios") && (err == nil || ctx.Err() == nil) {
		return s.nagios(h, err)
	}
	if err != nil {
		return err
	}
	if s.json {
		err = s.printJSON(h)
	} else {
		err = s.printHealth(h)
	}
	if err == nil && h.Problems > 0 {
		err = unfinished("see the server's log, and restart it; what cannot be read then: autochrome rollback", "%s of Chroma: %s", plural(h.Problems, "problem"), firstProblem(h))
	}
	return err
}

func firstProblem(h healthJSON) string {
	for _, c := range h.Collections {
		if c.Problem != "" {
			return fmt.Sprintf("collection %s: %s", c.Name, c.Problem)
		}
	}
	return ""
}

func (s *session) health(ctx context.Context, full bool) (h healthJSON, err error) {
	db, err := s.openChroma(ctx)
	if err != nil {
		return h, err
	}
	pulse, err := db.Pulse(ctx)
	if err != nil {
		return h, err
	}
	h = healthJSON{
		Status: "healthy", URL: db.URL(), Tenant: db.Tenant(), Database: db.Database(), Version: pulse.Version, Arrays: pulse.Features.Arrays,
		Latency: float64(pulse.Latency.Microseconds()) / 1000, Full: full, Collections: []collectionHealthJSON{},
	}
	list, err := db.Collections(ctx)
	if err != nil {
		return h, err
	}
	slices.SortFunc(list, func(a, b chunk.Collection) int { return strings.Compare(a.Name, b.Name) })
	bar := newProgress(s.console)
	defer bar.end()
	for i, c := range list {
		bar.show("read collections", i, len(list))
		x, err := collectionHealth(ctx, db, c, full)
		if err != nil {
			return h, err
		}
		if x.Problem != "" {
			h.Problems++
			h.Status = "damaged"
		}
		h.Records += x.Count
		h.Collections = append(h.Collections, x)
	}
	h.Duration = s.millis()
	return h, nil
}

func (s *session) printHealth(h healthJSON) error {
	if !s.quiet {
		arrays := map[bool]string{true: "with arrays in metadata", false: "without arrays in metadata"}[h.Arrays]
		if err := s.print("%s answers after %.1f ms, says that it is %s, %s", h.URL, h.Latency, printable(h.Version), arrays); err != nil {
			return err
		}
	}
	t := heading("COLLECTION", "RECORDS", "IDS", "VECTORS", "TOOK", "STATE")
	for _, c := range h.Collections {
		if !s.quiet || c.Problem != "" {
			t.add(c.Name, c.Count, c.IDs, c.Vectors, duration(time.Duration(c.Duration)*time.Millisecond), cmp.Or(c.Problem, "ok"))
		}
	}
	if len(t.rows) == 1 {
		return nil
	}
	return t.write(s.out)
}

// The exit codes of Nagios' plugins.
const (
	nagiosCritical = 2
	nagiosUnknown  = 3
)

// nagiosError gives a plugin's exit code. The line on stdout has said all.
type nagiosError struct {
	message, hint string
	code          int
}

func (e *nagiosError) Error() string { return e.message }
func (e *nagiosError) Hint() string  { return e.hint }
func (e *nagiosError) exitCode() int { return e.code }

// nagios prints one line: the state, what it is about, and figures behind a |. Why
// nothing is known is for unknown to print.
func (s *session) nagios(h healthJSON, err error) error {
	line := func(state, text string) error {
		return s.print("%s | latency=%.3fs collections=%d records=%d problems=%d", nagiosLine(state, text),
			h.Latency/1000, len(h.Collections), h.Records, h.Problems)
	}
	message, hint := firstProblem(h), ""
	switch {
	case err == nil && h.Problems == 0:
		return line("OK", plural(h.Records, "record")+" in "+plural(len(h.Collections), "collection"))
	case err == nil:
	case errors.As(err, new(*chroma.Error)):
		message, hint = explain(err)
	default:
		return err
	}
	if err := line("CRITICAL", message); err != nil {
		return err
	}
	return &nagiosError{message, hint, nagiosCritical}
}

func nagiosLine(state, text string) string {
	return "CHROMA " + state + " - " + strings.ReplaceAll(printable(text), "|", "/")
}

// unknown tells Nagios why there is no answer, also where the command line is not
// understood, and gives the error with a plugin's exit code.
func (c *console) unknown(err error, interrupted bool) error {
	if errors.As(err, new(*nagiosError)) {
		return err // it was told
	}
	message, hint := explain(err)
	if interrupted {
		message, hint = "interrupted", ""
	}
	_ = c.print("%s", nagiosLine("UNKNOWN", message)) // the exit code says as much
	return &nagiosError{message, hint, nagiosUnknown}
}

// wantsNagios looks for --nagios before the command line is understood.
func wantsNagios(args []string) bool {
	return hasFlag(args, "nagios") && slices.Contains(args, "health-check")
}
