package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"autochrome/notify"
	"autochrome/repo"
	"autochrome/watch"
)

// watchServer answers /metrics, /healthz and /livez. The zero value answers
// nobody.
type watchServer struct {
	address string
	server  *http.Server
	ended   chan struct{}
}

// listen begins to answer, where --listen says so.
func (w *watcher) listen(ctx context.Context) (s watchServer, err error) {
	address := w.flags.String("listen")
	if address == "" {
		if w.flags.IsSet("listen") {
			return s, usage("for example --listen 127.0.0.1:9464", "--listen is empty")
		}
		return s, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return s, usage("for example --listen 127.0.0.1:9464, or :9464 for all addresses", "--listen %q is no address with a port", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return s, &hintedError{err, "another process may listen there already; name another port with --listen"}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", w.metrics.set.Handler())
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, r *http.Request) { w.health.answer(out, time.Now()) })
	mux.HandleFunc("GET /livez", func(out http.ResponseWriter, r *http.Request) { _, _ = out.Write([]byte("alive\n")) })
	s = watchServer{address: l.Addr().String(), ended: make(chan struct{}), server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}}
	go func() {
		defer close(s.ended)
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.warn("nobody answers at %s any more: %v", s.address, err)
		}
	}()
	return s, nil
}

func (s watchServer) close() {
	if s.server != nil {
		_ = s.server.Close() // who asks now gets no answer
		<-s.ended
	}
}

func (h *watchHealth) answer(w http.ResponseWriter, now time.Time) {
	j, ok := h.state(now)
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = writeJSON(w, j)
}

// watchMetrics are those of a watch.
type watchMetrics struct {
	measuring
	file   string // "": none
	wanted bool   // by anybody
}

// measure reads the repository's metrics anew.
func (w *watcher) measure(ctx context.Context) {
	m := w.metrics
	if !m.wanted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.within)
	defer cancel()
	s := *w.session
	err := s.withRepository(ctx, func(r *repo.Repository) error { return m.read(ctx, r) })
	if err != nil && !errors.Is(err, repo.ErrNoRepository) {
		w.warn("not all of the repository's metrics can be read: %v", err)
	}
	if m.file == "" {
		return
	}
	if err := m.set.WriteFile(m.file); err != nil {
		w.warn("the metrics cannot be written: %v", err)
	}
}

// observe is told by the scheduler what happens.
func (w *watcher) observe(e watch.Event) {
	facts := notify.Facts{}
	if !e.Next.IsZero() {
		w.metrics.set.Next(e.Job, e.Next)
	}
	if e.Kind == watch.Ended {
		facts = w.facts[e.Job]
		w.metrics.set.Watched(e.Job, facts["outcome"], e.Took, e.Failures, e.Skipped)
		if e.Job == "snapshot" {
			w.health.run(e.Err)
		}
		w.measure(context.Background())
	}
	w.log.event(e, facts)
}
