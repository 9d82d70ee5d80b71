package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// receiver answers one status after the other, the last one for good.
func receiver(t *testing.T, statuses ...int) (w Webhook, bodies *[]string, kind *string) {
	t.Helper()
	bodies, kind = new([]string), new(string)
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*bodies = append(*bodies, string(b))
		*kind = r.Header.Get("Content-Type")
		status := statuses[min(int(n.Add(1)), len(statuses))-1]
		if status == http.StatusMovedPermanently {
			w.Header().Set("Location", "/secret-elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return Webhook{URL: s.URL + "/services/S3CRET", Template: DefaultTemplate(), Wait: time.Millisecond}, bodies, kind
}

func TestWebhook(t *testing.T) {
	w, bodies, kind := receiver(t, 200)
	text := "snapshot failed: \"quoted\" <b> \n line"
	if err := w.Send(t.Context(), Facts{"text": text}); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte((*bodies)[0]), &got); err != nil || got["text"] != text || *kind != "application/json" {
		t.Errorf("%q %s %v", *bodies, *kind, err)
	}
}

func TestWebhookTemplate(t *testing.T) {
	w, bodies, kind := receiver(t, 204)
	var err error
	if w.Template, err = ParseTemplate("{{.action}} {{.outcome}}{{if .error}}: {{.error}}{{end}}{{.nothing}}"); err != nil {
		t.Fatal(err)
	}
	if err := w.Send(t.Context(), Facts{"action": "snapshot", "outcome": "failed", "error": "no"}); err != nil {
		t.Fatal(err)
	}
	if (*bodies)[0] != "snapshot failed: no" || !strings.HasPrefix(*kind, "text/plain") {
		t.Errorf("%q %s", *bodies, *kind)
	}
	for _, bad := range []string{"{{", "{{nofunc .a}}", "{{.a.b}}", `{{template "x"}}`} {
		if _, err := ParseTemplate(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestWebhookTries(t *testing.T) {
	for _, test := range []struct {
		statuses []int
		sent     int
		fails    string
	}{
		{[]int{503, 429, 200}, 3, ""},
		{[]int{500}, 3, "the answer is 500 Internal Server Error, 3 times"},
		{[]int{404}, 1, "the answer is 404 Not Found"},
		{[]int{301, 200}, 1, "the answer is 301 Moved Permanently"},
	} {
		w, bodies, _ := receiver(t, test.statuses...)
		err := w.Send(t.Context(), Facts{"text": "x"})
		if (err == nil) != (test.fails == "") || err != nil && err.Error() != test.fails || len(*bodies) != test.sent {
			t.Errorf("%v: %v, sent %d times", test.statuses, err, len(*bodies))
		}
	}
}

// TestWebhookSecret finds the address in no error.
func TestWebhookSecret(t *testing.T) {
	w, _, _ := receiver(t, 400)
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(hanging.Close)
	for _, address := range []string{w.URL, down.URL + "/S3CRET", hanging.URL + "/S3CRET", "S3CRET", "ftp://S3CRET", "http:///S3CRET", "http://S3CRET:x", "http://S3CRET\x7f/"} {
		w.URL, w.Timeout = address, 50*time.Millisecond
		err := w.Send(t.Context(), Facts{})
		if err == nil || strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestWebhookCancelled(t *testing.T) {
	w, bodies, _ := receiver(t, 500)
	w.Wait = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := w.Send(ctx, Facts{}); err == nil || len(*bodies) != 1 {
		t.Errorf("%v after %d", err, len(*bodies))
	}
}
