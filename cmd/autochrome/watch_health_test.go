package main

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"autochrome/repo"
	"autochrome/watch"
)

func TestWatchHealth(t *testing.T) {
	at := time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)
	daily, err := watch.Parse("TZ=UTC 0 3 * * *")
	if err != nil {
		t.Fatal(err)
	}
	hourly := watch.Every(time.Hour)
	took := func(d time.Duration) *repo.Snapshot {
		return &repo.Snapshot{Time: at, Stats: repo.Stats{Millis: d.Milliseconds()}}
	}
	for _, x := range []struct {
		name   string
		health *watchHealth
		ended  bool
		after  time.Duration
		status string
		code   int
	}{
		{"before the first run", &watchHealth{rhythm: rhythm{Rhythm: hourly}}, false, 0, "starting", 200},
		{"the first run failed", &watchHealth{rhythm: rhythm{Rhythm: hourly}}, true, 0, "stale", 503},
		{"one tick missed", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(0)}, true, 2 * time.Hour, "ok", 200},
		{"more than one", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(0)}, true, 2*time.Hour + slack, "stale", 503},
		{"old, and not yet tried", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(0)}, false, 300 * time.Hour, "starting", 200},
		{"runs take long", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(70 * time.Minute)}, true, 4 * time.Hour, "ok", 200},
		{"jitter", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(0), jitter: 10 * time.Minute}, true, 2*time.Hour + 10*time.Minute, "ok", 200},
		{"cron, the second tick", &watchHealth{rhythm: rhythm{Rhythm: daily}, last: took(0)}, true, 47 * time.Hour, "ok", 200},
		{"cron, behind it", &watchHealth{rhythm: rhythm{Rhythm: daily}, last: took(0)}, true, 47*time.Hour + slack, "stale", 503},
		{"an age of its own", &watchHealth{rhythm: rhythm{Rhythm: hourly}, last: took(0), maxAge: 5 * time.Hour}, true, 5*time.Hour - 1, "ok", 200},
		{"beyond that", &watchHealth{rhythm: rhythm{Rhythm: daily}, last: took(0), maxAge: 5 * time.Hour}, true, 5 * time.Hour, "stale", 503},
	} {
		if x.ended {
			x.health.run(errors.New("no"))
		}
		j, _ := x.health.state(at.Add(x.after))
		w := httptest.NewRecorder()
		x.health.answer(w, at.Add(x.after))
		if j.Status != x.status || w.Code != x.code || (j.Error != "") != x.ended {
			t.Errorf("%s: %+v, %d", x.name, j, w.Code)
		}
	}
}
