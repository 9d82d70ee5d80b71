package watch

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	at := time.Date(2026, 11, 24, 4, 5, 6, 0, time.UTC) // a Tuesday
	for text, want := range map[string]time.Time{
		"1h":                           at.Add(time.Hour),
		" 90s ":                        at.Add(90 * time.Second),
		"1d":                           at.AddDate(0, 0, 1),
		"1w2d12h":                      at.Add(228 * time.Hour),
		"TZ=UTC 0 3 * * 7":             time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC),
		"TZ=UTC 0 3 * * 1,7":           time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC),
		"TZ=UTC 0 3 * * 6-7":           time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC),
		"TZ=UTC 0 3 * * 5-7/2":         time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC),
		"TZ=UTC 0 3 * * */7":           time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC),
		"@every 2h":                    at.Add(2 * time.Hour),
		"TZ=UTC 0 3 * * *":             time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC),
		"TZ=UTC */15 * * * *":          time.Date(2026, 11, 24, 4, 15, 0, 0, time.UTC),
		"TZ=UTC 30 6 * * mon":          time.Date(2026, 11, 30, 6, 30, 0, 0, time.UTC),
		"TZ=UTC @monthly":              time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		"CRON_TZ=Asia/Tokyo 0 3 * * *": time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC),
	} {
		r, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := r.Next(at); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "  ", "hourly", "0d", "d", "1d2", "1.5d", "99999999h", "0s", "-1h", "10ms", "@every 0s", "@never", "* * * *", "60 * * * *", "0 0 31 2 *",
		"0 3 * * * *", "TZ=Nowhere 0 3 * * *", "TZ=UTC", "TZ=UTC ", "0 3 * * funday", "0 3 * * 8", "0 3 * * 5-8", "0 3 * * 7-7/0"} {
		if r, err := Parse(text); err == nil {
			t.Errorf("%q is taken for %v", text, r)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"1h", "0 3 * * *", "TZ=UTC 0 3 * * *", "@daily", "*/5 1-3,7 * jan-mar mon", "0 0 * * 2-7/3,7", "1d12h"} {
		f.Add(text)
	}
	at := time.Date(2026, 11, 24, 4, 5, 6, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if next := r.Next(at); !next.IsZero() && !next.After(at) {
			t.Errorf("%q: after %v comes %v", text, at, next)
		}
	})
}
