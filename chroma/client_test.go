package chroma

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/internal/chromatest"
)

func TestMain(m *testing.M) { chromatest.Main(m) }

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://localhost:8000":         "http://localhost:8000",
		"localhost:8000":                "http://localhost:8000",
		" https://h/ ":                  "https://h",
		"http://h:1/api/v2":             "http://h:1",
		"http://h:1/api/v2/":            "http://h:1",
		"https://h/chroma/":             "https://h/chroma",
		"https://h/chroma/api/v2":       "https://h/chroma",
		"http://me:secret@h:1":          "http://h:1",
		"[::1]:8000":                    "http://[::1]:8000",
		"":                              "",
		"ftp://h":                       "",
		"http://":                       "",
		"http://me:secret@h:99999x":     "",
		"http://h/api/v1":               "",
		"http://me:secret@h?token=oops": "",
		"http://h#oops":                 "",
	} {
		o := Options{URL: in}
		got, err := o.baseURL()
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "oops")) {
			t.Errorf("%q: a secret is in %q", in, err)
		}
	}
	o := Options{URL: "http://me:secret@h:1"}
	if _, err := o.baseURL(); err != nil || o.User != "me" || o.Password != "secret" {
		t.Errorf("user %q, password %q, %v", o.User, o.Password, err)
	}
}

// chromaLike answers what Open asks, after check has seen the request.
func chromaLike(check func(w http.ResponseWriter, r *http.Request) (done bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if check != nil && check(w, r) {
			return
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/heartbeat"):
			fmt.Fprint(w, `{"nanosecond heartbeat":1}`)
		default:
			fmt.Fprint(w, `{"name":"x","id":"y","tenant":"z"}`)
		}
	})
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestAuthentication(t *testing.T) {
	for name, test := range map[string]struct {
		o            Options
		header, want string
	}{
		"none":         {Options{}, "Authorization", ""},
		"bearer":       {Options{Token: "tok"}, "Authorization", "Bearer tok"},
		"chroma token": {Options{Token: "tok", TokenHeader: "X-Chroma-Token"}, "X-Chroma-Token", "tok"},
		"basic":        {Options{User: "me", Password: "pw"}, "Authorization", "Basic bWU6cHc="},
		"extra":        {Options{Headers: map[string]string{"x-a": "b"}}, "X-A", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			s := serve(t, chromaLike(func(w http.ResponseWriter, r *http.Request) bool {
				requests++
				if got := r.Header.Get(test.header); got != test.want {
					t.Errorf("%s: %s is %q, want %q", r.URL.Path, test.header, got, test.want)
				}
				return false
			}))
			test.o.URL = s.URL
			if _, err := Open(t.Context(), test.o); err != nil {
				t.Fatal(err)
			}
			if requests != 3 {
				t.Errorf("%d requests, want 3", requests)
			}
		})
	}
	for _, o := range []Options{{Token: "tok", Password: "tok"}, {Token: "tok\n"}, {Headers: map[string]string{"a": "tok\r\nb: c"}}} {
		o.URL = "http://127.0.0.1:1"
		if _, err := Open(t.Context(), o); err == nil || strings.Contains(err.Error(), "tok\n") || errors.Is(err, ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
}

// TestNoSecretIsShown makes every kind of failure and looks for secrets in
// what a person would see.
func TestNoSecretIsShown(t *testing.T) {
	const secret = "s3cr3t"
	var answer atomic.Int32
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch status := int(answer.Load()); status {
		case 1:
			http.Redirect(w, r, "http://u:"+secret+"@elsewhere/x?token="+secret, http.StatusFound)
		case 2:
			panic(http.ErrAbortHandler)
		default:
			http.Error(w, "no", status)
		}
	}))
	for _, url := range []string{s.URL, "http://127.0.0.1:1", "https" + strings.TrimPrefix(s.URL, "http"), "http://no-such-host.invalid"} {
		for _, status := range []int32{1, 2, 401, 404, 410, 500, 503} {
			answer.Store(status)
			for _, o := range []Options{
				{Token: secret}, {Token: secret, TokenHeader: "X-Chroma-Token"}, {User: secret, Password: secret}, {Headers: map[string]string{"a": secret}},
				{URL: strings.Replace(url, "://", "://"+secret+":"+secret+"@", 1)},
			} {
				if o.URL == "" {
					o.URL = url
				}
				o.Attempts = 1
				_, err := Open(t.Context(), o)
				if err == nil {
					t.Fatalf("%s, %d: no error", url, status)
				}
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%v %+v %#v", o, o, o)} {
					if strings.Contains(text, secret) {
						t.Fatalf("%s, %d: the secret is in %s", url, status, text)
					}
				}
			}
			if url != s.URL {
				break
			}
		}
	}
	d, err := newClient(Options{URL: "http://u:" + secret + "@h"})
	if err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v %s", d, d, d, d.URL()), secret) {
		t.Errorf("%v %s", err, d)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(chromaLike(nil))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{URL: s.URL, CAFile: ca}); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Options{URL: s.URL, InsecureSkipVerify: true}); err != nil {
		t.Error(err)
	}
	start := time.Now()
	if _, err := Open(t.Context(), Options{URL: s.URL}); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	plain := serve(t, chromaLike(nil))
	if _, err := Open(t.Context(), Options{URL: strings.Replace(plain.URL, "http:", "https:", 1)}); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("https to a server without: %v", err)
	}
	if time.Since(start) > time.Second {
		t.Errorf("tried again for %v what cannot get better", time.Since(start))
	}
	for _, o := range []Options{{CAFile: "/no/such"}, {CAFile: "client_test.go"}, {CertFile: ca, KeyFile: ca}} {
		o.URL = s.URL
		if _, err := Open(t.Context(), o); err == nil {
			t.Errorf("%v: no error", o.CAFile+o.CertFile)
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	t.Setenv("CHROMA_TENANT", "chroma-go reads this") // and must not mind it
	t.Setenv("CHROMA_DATABASE", "and this")
	seen := ""
	s := serve(t, chromaLike(func(w http.ResponseWriter, r *http.Request) bool {
		seen += " " + r.URL.EscapedPath()
		return false
	}))
	d, err := Open(t.Context(), Options{URL: s.URL + "/below", Tenant: "a/b ?%c", Database: "é#"})
	if err != nil {
		t.Fatal(err)
	}
	want := " /below/api/v2/heartbeat /below/api/v2/tenants/a%2Fb%20%3F%25c /below/api/v2/tenants/a%2Fb%20%3F%25c/databases/%C3%A9%23"
	if seen != want {
		t.Errorf("asked for%s\nwant%s", seen, want)
	}
	seen = ""
	_, _ = d.Collection(context.Background(), "name")
	if want := " /below/api/v2/tenants/a%2Fb%20%3F%25c/databases/%C3%A9%23/collections/name"; seen != want {
		t.Errorf("asked for%s\nwant%s", seen, want)
	}
	for _, o := range []Options{{Tenant: ".."}, {Database: "."}} {
		o.URL = s.URL
		if _, err := Open(t.Context(), o); err == nil {
			t.Errorf("%v: no error", o)
		}
	}
}
