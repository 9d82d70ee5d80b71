package chromatest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// orphanVersion makes this test binary start a server, say its pid and wait
// for its own end.
const orphanVersion = "CHROMATEST_ORPHAN_VERSION"

func TestMain(m *testing.M) {
	if v := os.Getenv(orphanVersion); v != "" {
		beTheParentOfAnOrphan(Version(v))
	}
	Main(m)
}

func beTheParentOfAnOrphan(v Version) {
	folder, err := os.MkdirTemp("", "chromatest-orphan-")
	if err == nil {
		var s *Server
		if s, err = newServer(v, folder, ""); err == nil {
			fmt.Println(s.Pid(), folder)
			time.Sleep(time.Hour)
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestServerDiesAndComesBackWithItsData(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) {
		c := NewClient(t, s)
		id := c.CreateCollection("kept", nil)
		c.Add(id, map[string]any{"ids": []string{"a"}, "embeddings": [][]float32{{1, 2}}})

		url, pid := s.URL(), s.Pid()
		s.Kill()
		s.Kill()
		if _, _, err := s.Try("GET", "/api/v2/heartbeat", nil); err == nil {
			t.Fatal("the server answers after Kill")
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Fatalf("process %d is still there after Kill: %v", pid, err)
		}

		s.Restart(t)
		if s.URL() != url {
			t.Errorf("restarted at %s, was at %s", s.URL(), url)
		}
		if n := c.Count(id); n != 1 {
			t.Errorf("%d records after the restart, want 1", n)
		}

		s.Restart(t) // while it runs
		if got := c.Dump("kept"); len(got) != 1 || got[0].ID != "a" {
			t.Errorf("after the second restart: %+v", got)
		}
	})
}

func TestServerKeepsToItsDir(t *testing.T) {
	Each(t, func(t *testing.T, s *Server) {
		NewClient(t, s).CreateCollection("some", nil)
		entries, err := os.ReadDir(s.Dir())
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, entry := range entries {
			found = found || entry.Name() == "chroma.sqlite3"
		}
		if !found {
			t.Errorf("no chroma.sqlite3 in %s: %v", s.Dir(), entries)
		}
	})
}

func TestServerListensOnLoopbackOnly(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	Each(t, func(t *testing.T, s *Server) {
		for _, address := range addresses {
			ip := address.(*net.IPNet).IP
			if ip.To4() == nil || ip.IsLoopback() {
				continue
			}
			outside := net.JoinHostPort(ip.String(), fmt.Sprint(s.port.port))
			if conn, err := net.DialTimeout("tcp", outside, time.Second); err == nil {
				conn.Close()
				t.Errorf("the server answers on %s", outside)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) {
			s := StartWith(t, v, "allow_reset: true\nmax_payload_size_bytes: 10000")
			c := NewClient(t, s)
			id := c.CreateCollection("some", nil)
			big := map[string]any{"ids": []string{strings.Repeat("x", 20000)}, "embeddings": [][]float32{{1}}}
			if status, answer := s.Do(t, "POST", c.Path(id, "add"), big); status != 413 {
				t.Errorf("a body beyond the limit: %d %s, want 413", status, answer)
			}
			if status, answer := s.Do(t, "POST", "/api/v2/reset", nil); status != 200 {
				t.Errorf("reset: %d %s, want 200", status, answer)
			}
		})
	}
}

func TestNoServerOutlivesTheTestProcess(t *testing.T) {
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) {
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), orphanVersion+"="+string(v))
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			defer parent.Process.Kill()
			line, _ := bufio.NewReader(out).ReadString('\n')
			var pid int
			var folder string
			if _, err := fmt.Sscan(line, &pid, &folder); err != nil {
				t.Fatalf("the process with the server said %q", line)
			}
			defer os.RemoveAll(folder)
			if err := syscall.Kill(pid, 0); err != nil {
				t.Fatalf("server %d does not run: %v", pid, err)
			}

			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait() // says that it was killed
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if syscall.Kill(pid, 0) != nil || isZombie(pid) {
					return
				}
				if time.Now().After(deadline) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
					t.Fatalf("server %d outlived the process that started it", pid)
				}
			}
		})
	}
}

// isZombie tells whether a process is dead and only its entry is left, as may
// be in a container whose first process collects nobody.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

func TestUnknownVersion(t *testing.T) {
	if _, err := newServer("latest", t.TempDir(), ""); err == nil {
		t.Error("a version that does not exist was started")
	}
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) {
			_, err := newServer(v, t.TempDir(), "max_payload_size_bytes: many")
			if err == nil {
				t.Fatal("a server with impossible settings was started")
			}
			if !strings.Contains(err.Error(), "max_payload_size_bytes") {
				t.Errorf("the server's words are not in the error: %v", err)
			}
		})
	}
}

func TestSharedIsOneServerWithDatabasesApart(t *testing.T) {
	EachShared(t, func(t *testing.T, c *Client) {
		if again := Shared(t, c.Server.Version); again != c.Server {
			t.Error("Shared started a second server")
		}
		other := NewClient(t, c.Server)
		c.CreateCollection("here", nil)
		var names []any
		_, answer := c.Server.Do(t, "GET", other.Path(), nil)
		if err := json.Unmarshal(answer, &names); err != nil || len(names) != 0 {
			t.Errorf("the other database lists %s", answer)
		}
		if got := c.Collection("here")["name"]; got != "here" {
			t.Errorf("collection is called %v", got)
		}
		c.DeleteCollection("here")
		if status, _ := c.Server.Do(t, "GET", c.Path("here"), nil); status != 404 {
			t.Errorf("a deleted collection answers %d", status)
		}
	})
}
