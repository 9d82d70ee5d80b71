package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// webCommand asks watch, and is what it tells.
//
//	web port VAR                  a port that nobody listens at
//	web until URL STATUS PATTERN  asks until the answer is that
//	web receive VAR FILE [N]      a web hook, which answers N (200) and adds what it gets to a file, each
//	                              with its content type before it
func webCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: web WHAT ...; see webCommand")
	}
	switch args[0] {
	case "port":
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(args[1], fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
		ts.Check(l.Close())
	case "until":
		until(ts, args[1], number(ts, args[2]), regexp.MustCompile(args[3]))
	case "receive":
		status := http.StatusOK
		if len(args) > 3 {
			status = number(ts, args[3])
		}
		file := ts.MkAbs(args[2])
		var n atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err == nil {
				_, err = fmt.Fprintf(f, "%d %s %s\n", n.Add(1), r.Header.Get("Content-Type"), body)
				_ = f.Close()
			}
			if err != nil {
				status = http.StatusInternalServerError
			}
			w.WriteHeader(status)
		}))
		ts.Defer(s.Close)
		ts.Setenv(args[1], s.URL+"/services/S3CRET")
	default:
		ts.Fatalf("web %s?", args[0])
	}
}

func until(ts *testscript.TestScript, address string, status int, pattern *regexp.Regexp) {
	last := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		answer, err := http.Get(address)
		if err != nil {
			last = err.Error()
			continue
		}
		b, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if last = fmt.Sprintf("%s\n%s", answer.Status, b); err == nil && answer.StatusCode == status && pattern.Match(b) {
			return
		}
	}
	ts.Fatalf("%s never answers %d and %s; at the end it was %s", address, status, pattern, last)
}
