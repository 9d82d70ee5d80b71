package metrics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
)

// Set is all metrics of a process. Make one with New. It is safe for concurrent
// use.
type Set struct {
	repository atomic.Pointer[Repository]
	registry   *prometheus.Registry

	ranTime, ranTook, ranCode *prometheus.GaugeVec

	runs          *prometheus.CounterVec
	took          *prometheus.HistogramVec
	failures      *prometheus.GaugeVec
	next          *prometheus.GaugeVec
	skipped       *prometheus.CounterVec
	notifications *prometheus.CounterVec
}

// New makes a set that says which version of the program it is of.
func New(version, goVersion string) *Set {
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "autochrome_" + name, Help: help}, labels)
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "autochrome_" + name, Help: help}, labels)
	}
	s := &Set{
		registry: prometheus.NewRegistry(),
		ranTime:  gauges("run_last_timestamp_seconds", "When this program last did something of the kind, however it ended.", "action"),
		ranTook:  gauges("run_last_duration_seconds", "How long that took.", "action"),
		ranCode:  gauges("run_last_exit_code", "Its exit code: 0 success, 3 done but something remains, else failed.", "action"),
		runs:     counters("watch_runs_total", "Runs of watch, those included that the repository knows nothing of.", "action", "outcome"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "autochrome_watch_run_duration_seconds", Help: "How long runs of watch took.",
			Buckets: prometheus.ExponentialBuckets(0.1, 4, 9), // to two hours
		}, []string{"action"}),
		failures:      gauges("watch_failures_in_a_row", "How often it has failed since it last succeeded.", "action"),
		next:          gauges("watch_next_timestamp_seconds", "When it is due again.", "action"),
		skipped:       counters("watch_skipped_ticks_total", "Ticks that passed while the action itself was under way.", "action"),
		notifications: counters("notifications_total", "Messages to the web hook.", "outcome"),
	}
	info := gauges("build_info", "The program; always 1.", "version", "go")
	info.WithLabelValues(version, goVersion).Set(1)
	s.registry.MustRegister(repositoryCollector{s}, info, s.ranTime, s.ranTook, s.ranCode, s.runs, s.took, s.failures, s.next, s.skipped, s.notifications)
	return s
}

// SetRepository says how the repository is now.
func (s *Set) SetRepository(r Repository) { s.repository.Store(&r) }

// Ran says that something was done, ended at that time, with this exit code.
func (s *Set) Ran(action string, ended time.Time, took time.Duration, code int) {
	s.ranTime.WithLabelValues(action).Set(seconds(ended))
	s.ranTook.WithLabelValues(action).Set(took.Seconds())
	s.ranCode.WithLabelValues(action).Set(float64(code))
}

// Watched says how a run of watch ended.
func (s *Set) Watched(action, outcome string, took time.Duration, failures, skipped int) {
	s.runs.WithLabelValues(action, outcome).Inc()
	s.took.WithLabelValues(action).Observe(took.Seconds())
	s.failures.WithLabelValues(action).Set(float64(failures))
	s.skipped.WithLabelValues(action).Add(float64(skipped))
}

// Next says when an action is due.
func (s *Set) Next(action string, at time.Time) { s.next.WithLabelValues(action).Set(seconds(at)) }

// Notified says that a message was sent, or not.
func (s *Set) Notified(err error) {
	outcome := "success"
	if err != nil {
		outcome = "failed"
	}
	s.notifications.WithLabelValues(outcome).Inc()
}

// Handler answers with all metrics, and with those of the process that Go and
// the system know.
func (s *Set) Handler() http.Handler {
	process := prometheus.NewRegistry()
	process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(prometheus.Gatherers{s.registry, process}, promhttp.HandlerOpts{})
}

// Write writes the metrics as text.
func (s *Set) Write(w io.Writer) error {
	families, err := s.registry.Gather()
	if err != nil {
		return err
	}
	e := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes the metrics into a file, which has the old or the new ones
// at any time and can be read by everybody, as node_exporter must.
func (s *Set) WriteFile(path string) error {
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	err := prometheus.WriteToTextfile(path, s.registry)
	if p := new(os.PathError); errors.As(err, &p) {
		return fmt.Errorf("%s: %w", path, p.Err) // and not the temporary file's name
	}
	return err
}
