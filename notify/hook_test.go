//go:build unix

package notify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func hook(script string, out *bytes.Buffer) Hook {
	return Hook{Command: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Stdout: out, Stderr: out}
}

func TestHookFindsFacts(t *testing.T) {
	var out bytes.Buffer
	f := Facts{"snapshot_id": "snapshot_1", "error": "it's \"quoted\"; $(no)\nline\x00", "long": strings.Repeat("ä", 10_000)}
	err := hook(`printf '%s|%s|%s|%s' "$AUTOCHROME_SNAPSHOT_ID" "$AUTOCHROME_ERROR" "${#AUTOCHROME_LONG}" "$HOME"`, &out).Run(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(out.String(), "|")
	if parts[0] != "snapshot_1" || parts[1] != "it's \"quoted\"; $(no)\nline" || parts[2] == "0" || parts[3] != "" {
		t.Errorf("%q", parts)
	}
}

func TestHookFails(t *testing.T) {
	var out bytes.Buffer
	if err := hook("echo why; exit 7", &out).Run(t.Context(), nil); err == nil || err.Error() != "exit status 7" || out.String() != "why\n" {
		t.Errorf("%v %q", err, out.String())
	}
	if err := (Hook{Command: []string{"/nowhere"}}).Run(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestHookTimeout ends a hook with what it started, also one that does not
// listen.
func TestHookTimeout(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	for _, script := range []string{
		"(while :; do date +%N >" + trace + "; sleep 0.01; done) & wait",
		"trap '' TERM; while :; do date +%N >" + trace + "; sleep 0.01; done",
	} {
		h := hook(script, new(bytes.Buffer))
		h.Timeout, h.patience = 100*time.Millisecond, 50*time.Millisecond
		if err := h.Run(t.Context(), nil); !errors.Is(err, ErrTimeout) {
			t.Error(err)
		}
		last, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if now, _ := os.ReadFile(trace); !bytes.Equal(now, last) {
			t.Errorf("%s: it goes on", script)
		}
	}
}

func TestHookCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	h := hook("sleep 60", new(bytes.Buffer))
	if err := h.Run(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestHookLeaves lets what a hook has put into the background go on.
func TestHookLeaves(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	if err := hook("(sleep 0.2; echo done >"+trace+") >/dev/null 2>&1 &", new(bytes.Buffer)).Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if b, _ := os.ReadFile(trace); string(b) == "done\n" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("it was ended")
}
