package chromatest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// startTimeout is generous: a server needs under a second, but shares the
// machine with other tests.
const startTimeout = 60 * time.Second

// Server is a real Chroma server on 127.0.0.1 with a data folder of its own.
type Server struct {
	Version Version

	dir    string
	config string // path of a settings file, or ""
	port   *reservation
	http   *http.Client

	mu  sync.Mutex // Kill may come from another goroutine than Restart
	run *process
}

// Start runs a server for this test only and stops it when the test ends.
func Start(t testing.TB, v Version) *Server {
	t.Helper()
	return StartWith(t, v, "")
}

// StartWith is Start with further settings in Chroma's YAML, such as
// "allow_reset: true" or "max_payload_size_bytes: 1000000".
func StartWith(t testing.TB, v Version, settings string) *Server {
	t.Helper()
	s, err := newServer(v, t.TempDir(), settings)
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the %s Chroma server's last words:\n%s", v, s.process().log.lines(20))
		}
		s.close()
	})
	return s
}

// newServer keeps everything of the server's in folder.
func newServer(v Version, folder, settings string) (*Server, error) {
	s := &Server{
		Version: v,
		dir:     filepath.Join(folder, "chroma"),
		// No proxy, and connections enough for tests that write in parallel.
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	if settings != "" {
		s.config = filepath.Join(folder, "settings.yaml")
		if err := os.WriteFile(s.config, []byte(settings+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	var err error
	if s.port, err = reservePort(); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		s.port.release()
		return nil, err
	}
	return s, nil
}

func (s *Server) start() error {
	get, known := installed[s.Version]
	if !known {
		return fmt.Errorf("no Chroma version is called %q", s.Version)
	}
	script, err := get()
	if err != nil {
		return err
	}
	p, err := startProcess(script, s.Version, s.dir, s.port.port, s.config)
	if err != nil {
		return err
	}
	if err := s.await(p); err != nil {
		p.kill()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = p
	return nil
}

func (s *Server) await(p *process) error {
	client := &http.Client{Transport: s.http.Transport, Timeout: 2 * time.Second}
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		answer, err := client.Get(s.URL() + "/api/v2/heartbeat")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK && p.alive() {
				return nil
			}
		}
		select {
		case <-p.gone:
			return fmt.Errorf("the %s Chroma server ended at once (%s). Its last words:\n%s", s.Version, p.cmd.ProcessState, p.log.lines(20))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("the %s Chroma server did not answer within %s. Its last words:\n%s", s.Version, startTimeout, p.log.lines(20))
}

func (s *Server) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

// URL has no slash at its end.
func (s *Server) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port.port) }

// Dir is the server's data folder; nothing but Chroma writes there.
func (s *Server) Dir() string { return s.dir }

// Pid is that of the server itself; after Kill, of the one that was killed.
func (s *Server) Pid() int { return s.process().cmd.Process.Pid }

// Kill ends the server as a crash would and returns when it is gone. It may be
// called from any goroutine and more than once.
func (s *Server) Kill() {
	s.process().kill()
	s.http.CloseIdleConnections()
}

// Restart runs the server again on the same folder and port, killing it first
// where it still runs.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		t.Fatalf("chromatest: restart: %v", err)
	}
}

func (s *Server) close() {
	s.Kill()
	s.port.release()
}

// LoseIndexes kills the server, takes away the folders in which it keeps the
// vectors that it has moved out of its log, and starts it again: these vectors
// are lost, and their records are not.
func (s *Server) LoseIndexes(t testing.TB) {
	t.Helper()
	s.Kill()
	headers, err := filepath.Glob(filepath.Join(s.dir, "*", "header.bin"))
	if err != nil || len(headers) == 0 {
		t.Fatalf("chromatest: %d indexes in %s, %v", len(headers), s.dir, err)
	}
	for _, header := range headers {
		if err := os.RemoveAll(filepath.Dir(header)); err != nil {
			t.Fatalf("chromatest: %v", err)
		}
	}
	s.Restart(t)
}
