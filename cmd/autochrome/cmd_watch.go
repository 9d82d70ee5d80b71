package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/notify"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/watch"
)

func watchCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "watch", Usage: "take snapshots again and again, clean up and check, each by its own rhythm",
		Description: "A rhythm is an interval (90s, 1h30m, 1d) or a line of cron (\"0 3 * * *\", @daily; local time, or\n" +
			"that of a zone: \"TZ=Europe/Berlin 0 3 * * *\"). One thing is done at a time; what fails is\n" +
			"tried again after a minute, then two, up to an hour, and never given up. What was missed\n" +
			"while the machine slept, or nobody watched, is made up for once.\n\n" +
			"A signal to stop (Ctrl-C, SIGTERM) lets what is done finish for a while, then breaks it off\n" +
			"cleanly; a second one ends at once. The exit code is 0 then.\n" +
			"--listen answers /metrics for Prometheus, /healthz (503 when the last good snapshot is older\n" +
			"than it should be) and /livez. Each event is a line on stdout, with --json an object.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "every", Usage: "rhythm of snapshots", DefaultText: "1h"},
			&cli.StringFlag{Name: "cron", Usage: "the same, as a line of cron"},
			&cli.StringFlag{Name: "cleanup-every", Usage: "rhythm of the cleanup", DefaultText: "after each snapshot"},
			&cli.StringFlag{Name: "check-every", Usage: "rhythm of the check of the repository", DefaultText: "never"},
			&cli.StringFlag{Name: "verify-every", Usage: "rhythm in which the newest good snapshot is read and hashed", DefaultText: "never"},
			shareFlag(),
			&cli.DurationFlag{Name: "jitter", Usage: "add up to so much to each tick, at random"},
			&cli.DurationFlag{Name: "retry", Usage: "how long after a failure to try again; twice as long each time, up to an hour", Value: time.Minute},
			&cli.DurationFlag{Name: "finish-within", Usage: "how long what is done may take to end when it is to stop", Value: 10 * time.Second},
			&cli.StringFlag{Name: "listen", Usage: "address for /metrics, /healthz and /livez, such as 127.0.0.1:9464", DefaultText: "none"},
			&cli.DurationFlag{Name: "max-age", Usage: "from which age of the last good snapshot on /healthz fails", DefaultText: "one tick missed"},
		}, takeFlags(), secondFlags(metricsSettings), tellFlags()),
		Action: p.action(watchRepository),
	}
}

// maxRetry is the longest time between two tries.
const maxRetry = time.Hour

// watcher is a watch that goes on.
type watcher struct {
	*session
	take    snapshot.Options
	auto    bool // clean up after each snapshot
	policy  repo.Policy
	budget  time.Duration // of freeing space
	share   repo.ReadShare
	telling telling
	rhythms []rhythm
	log     *watchLog
	health  *watchHealth
	metrics *watchMetrics

	failures map[string]int          // of each action, in a row
	facts    map[string]notify.Facts // of the last run of each action
}

// rhythm is that of an action.
type rhythm struct {
	action string
	watch.Rhythm
	text string
}

func watchRepository(ctx context.Context, s *session) error {
	outliveReaders()
	w, err := s.watcher(ctx)
	if err != nil {
		return err
	}
	o, err := w.options()
	if err != nil {
		return err
	}
	serve, err := w.listen(ctx)
	if err != nil {
		return err
	}
	defer serve.close()
	o.Jobs, err = w.jobs(ctx) // which may wait for Chroma
	switch {
	case ctx.Err() != nil:
		w.log.stopped()
		return nil
	case err != nil:
		return err
	}
	w.log.started(w, serve.address)
	w.measure(ctx)
	defer context.AfterFunc(ctx, func() { w.log.stopping(o.Finish) })()
	if err := watch.Run(ctx, o); err != nil {
		return err
	}
	w.log.stopped()
	return nil
}

// watcher reads the command line. Whatever is wrong is told before anything is
// done.
func (s *session) watcher(ctx context.Context) (w *watcher, err error) {
	if _, err := s.args(0); err != nil {
		return nil, err
	}
	s.errTerminal = false // no bars among the lines
	s.trigger = "schedule"
	w = &watcher{session: s, failures: map[string]int{}, facts: map[string]notify.Facts{}}
	if w.rhythms, err = s.rhythms(); err != nil {
		return nil, err
	}
	if w.take, err = createOptions(s); err != nil {
		return nil, err
	}
	if w.share, err = parseShare(s.flags); err != nil {
		return nil, err
	}
	if s.flags.IsSet("read-data") && w.rhythm(checkAction) == nil {
		return nil, usage("for example --check-every 24h", "--read-data is for checks, and there is no --check-every")
	}
	if w.auto, w.policy, w.budget, err = s.cleanupSettings(); err != nil {
		return nil, err
	}
	if w.rhythm("cleanup") != nil {
		w.auto = false
		if w.policy, _, err = s.policy(); err != nil {
			return nil, err
		}
	}
	if _, err := chromaOptions(s.flags); err != nil {
		return nil, err
	}
	if _, err := s.folder(); err != nil {
		return nil, err
	}
	if err := s.checkMetricsFile(); err != nil {
		return nil, err
	}
	if w.telling, err = s.telling(ctx); err != nil {
		return nil, err
	}
	w.log = &watchLog{console: *s.console}
	w.metrics = &watchMetrics{measuring: newMeasuring(), file: value(s.flags, "metrics-file"), wanted: s.flags.String("listen") != "" || value(s.flags, "metrics-file") != ""}
	w.telling.notified = w.metrics.set.Notified
	w.health = &watchHealth{rhythm: *w.rhythm("snapshot"), maxAge: s.flags.Duration("max-age"), jitter: s.flags.Duration("jitter")}
	if w.health.maxAge < 0 {
		return nil, usage("for example --max-age 3h", "--max-age %v is negative", w.health.maxAge)
	}
	return w, nil
}

// rhythm gives that of an action; nil: it has none.
func (w *watcher) rhythm(action string) *rhythm {
	i := slices.IndexFunc(w.rhythms, func(r rhythm) bool { return r.action == action })
	if i < 0 {
		return nil
	}
	return &w.rhythms[i]
}

// rhythms reads those of the command line; the first is that of snapshots.
func (s *session) rhythms() (list []rhythm, err error) {
	if s.flags.IsSet("every") && s.flags.IsSet("cron") {
		return nil, usage("", "--every and --cron exclude one another")
	}
	for _, x := range []struct{ flag, action, def string }{
		{"every", "snapshot", ""}, {"cron", "snapshot", ""},
		{"cleanup-every", "cleanup", ""}, {"check-every", checkAction, ""}, {"verify-every", verifyAction, ""},
	} {
		text := s.flags.String(x.flag)
		if x.flag == "every" && !s.flags.IsSet("every") && !s.flags.IsSet("cron") {
			text = "1h"
		} else if !s.flags.IsSet(x.flag) {
			continue
		}
		r, err := watch.Parse(text)
		if err != nil {
			return nil, usage(`an interval such as 90s or 1h30m, or a line of cron such as "0 3 * * *" or @daily`, "--%s %q is no rhythm: %v", x.flag, text, err)
		}
		list = append(list, rhythm{x.action, r, text})
	}
	return list, nil
}

// options are what the scheduler is told, but for the jobs.
func (w *watcher) options() (o watch.Options, err error) {
	o = watch.Options{
		Jitter: w.flags.Duration("jitter"), Retry: w.flags.Duration("retry"), RetryMax: maxRetry, Finish: w.flags.Duration("finish-within"),
		Final:   func(err error) bool { return errors.As(err, new(*unfinishedError)) }, // it is done
		Observe: w.observe,
	}
	switch {
	case o.Jitter < 0:
		return o, usage("for example --jitter 5m", "--jitter %v is negative", o.Jitter)
	case o.Retry <= 0 || o.Retry > maxRetry:
		return o, usage("for example --retry 30s", "--retry %v is not more than 0 and at most %v", o.Retry, maxRetry)
	case o.Finish < 0:
		return o, usage("for example --finish-within 20s; 0: it is broken off at once", "--finish-within %v is negative", o.Finish)
	}
	for _, r := range w.rhythms {
		if e, ok := r.Rhythm.(watch.Every); ok && o.Jitter >= time.Duration(e) {
			return o, usage("give less than the shortest rhythm", "--jitter %v is not less than %s", o.Jitter, r.text)
		}
	}
	return o, nil
}
