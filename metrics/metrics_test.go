package metrics

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// full is a set in which every metric has a value.
func full() *Set {
	s := New("v1.2.3", "go1.26")
	at := time.Date(2026, 11, 24, 4, 0, 0, 500e6, time.UTC)
	s.SetRepository(Repository{
		Sources: []Source{
			{
				Name: "main", Snapshots: 3, Last: at.Add(time.Hour), Suspect: true, Damaged: 2, LastVerified: at.Add(-time.Hour),
				LastGood: at, Records: 9832, Collections: 4, BytesRead: 57e6, BytesStored: 16e6, Took: 1500 * time.Millisecond,
			},
			{Name: `odd "name"` + "\n\\", Snapshots: 1},
		},
		Bytes: 17e6, Damaged: 1, Dedup: &Dedup{Logical: 48e6, Stored: 16e6},
		Actions: []Action{
			{"snapshot", "success", 41, at, time.Second},
			{"snapshot", "failed", 2, at.Add(-time.Hour), 30 * time.Second},
		},
	})
	s.Ran("snapshot", at, 2*time.Second, 20)
	s.Watched("snapshot", "failed", 2*time.Second, 3, 1)
	s.Next("snapshot", at.Add(time.Hour))
	s.Notified(nil)
	s.Notified(errors.New("no"))
	return s
}

// TestLint has the names and types looked at as promtool check metrics does.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(full().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestValues(t *testing.T) {
	var b bytes.Buffer
	if err := full().Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`autochrome_build_info{go="go1.26",version="v1.2.3"} 1`,
		`autochrome_snapshots{source="main"} 3`,
		`autochrome_snapshots{source="odd \"name\"\n\\"} 1`,
		`autochrome_last_snapshot_timestamp_seconds{source="main"} 1.7954964005e+09`,
		`autochrome_last_good_snapshot_timestamp_seconds{source="main"} 1.7954928005e+09`,
		`autochrome_last_verified_timestamp_seconds{source="main"} 1.7954892005e+09`,
		`autochrome_last_snapshot_suspect{source="main"} 1`,
		`autochrome_last_snapshot_damaged_records{source="main"} 2`,
		`autochrome_last_good_snapshot_records{source="main"} 9832`,
		`autochrome_last_good_snapshot_duration_seconds{source="main"} 1.5`,
		`autochrome_last_good_snapshot_stored_bytes{source="main"} 1.6e+07`,
		`autochrome_repository_size_bytes 1.7e+07`,
		`autochrome_repository_damaged_files 1`,
		`autochrome_repository_dedup_ratio 3`,
		`autochrome_actions_total{action="snapshot",outcome="failed"} 2`,
		`autochrome_action_last_duration_seconds{action="snapshot",outcome="failed"} 30`,
		`autochrome_run_last_exit_code{action="snapshot"} 20`,
		`autochrome_watch_runs_total{action="snapshot",outcome="failed"} 1`,
		`autochrome_watch_failures_in_a_row{action="snapshot"} 3`,
		`autochrome_watch_skipped_ticks_total{action="snapshot"} 1`,
		`autochrome_watch_run_duration_seconds_bucket{action="snapshot",le="6.4"} 1`,
		`autochrome_notifications_total{outcome="failed"} 1`,
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("there is no line %s in\n%s", line, b.String())
			break
		}
	}
	// What there is not, is not said.
	if strings.Contains(b.String(), `last_good_snapshot_records{source="odd`) || strings.Contains(b.String(), `suspect{source="odd`) {
		t.Error(b.String())
	}
}

func TestNothingMeasured(t *testing.T) {
	s := New("v1", "go1")
	var b bytes.Buffer
	if err := s.Write(&b); err != nil || strings.Contains(b.String(), "repository") {
		t.Error(b.String(), err)
	}
	s.SetRepository(Repository{})
	b.Reset()
	if err := s.Write(&b); err != nil || !strings.Contains(b.String(), "repository_size_bytes 0\n") || strings.Contains(b.String(), "dedup") {
		t.Error(b.String(), err)
	}
	s.SetRepository(Repository{Dedup: &Dedup{}})
	b.Reset()
	if err := s.Write(&b); err != nil || strings.Contains(b.String(), "dedup_ratio") || strings.Contains(b.String(), "NaN") {
		t.Error(b.String(), err)
	}
}

func TestHandler(t *testing.T) {
	srv := httptest.NewServer(full().Handler())
	defer srv.Close()
	answer, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		t.Fatal(answer.Status, err)
	}
	for _, name := range []string{"autochrome_snapshots", "go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(string(b), "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "autochrome.prom")
	for range 2 {
		if err := full().WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), "autochrome_snapshots") || strings.Contains(string(b), "go_goroutines") {
		t.Errorf("%s %v", b, err)
	}
	if i, _ := os.Stat(path); i.Mode().Perm() != 0o644 {
		t.Errorf("%v", i.Mode())
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("%v", list)
	}
	err = full().WriteFile(filepath.Join(filepath.Dir(path), "nowhere", "autochrome.prom"))
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), "nowhere") != 1 {
		t.Error(err)
	}
	if err = full().WriteFile(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Error(err)
	}
}
