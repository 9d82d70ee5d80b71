package chromatest

import (
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"
)

var shared = struct {
	sync.Mutex
	servers map[Version]*Server
	folders []string
}{servers: map[Version]*Server{}}

// Shared returns the one server of this version that all tests of the process
// share. Use a database of your own there, and leave the server alive: whoever
// needs to kill one calls Start.
//
// The server ends with the process in any case; Main also removes its folder.
func Shared(t testing.TB, v Version) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	s := shared.servers[v]
	if s != nil && s.process().alive() {
		return s
	}
	if s != nil {
		t.Logf("chromatest: the shared %s server died, starting another. Its last words:\n%s", v, s.process().log.lines(20))
		s.close()
	}
	folder, err := os.MkdirTemp("", "chromatest-")
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	shared.folders = append(shared.folders, folder)
	s, err = newServer(v, folder, "")
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	shared.servers[v] = s
	return s
}

// Main runs the tests and then stops the shared servers:
//
//	func TestMain(m *testing.M) { chromatest.Main(m) }
func Main(m *testing.M) {
	defer stopShared()
	m.Run() // its exit code is kept and used when TestMain returns
}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	for v, s := range shared.servers {
		s.close()
		delete(shared.servers, v)
	}
	for _, folder := range shared.folders {
		_ = os.RemoveAll(folder) // a leftover in the temporary folder is no failure of a test
	}
	shared.folders = nil
}

// Each runs f once per version, with a server of its own that it may kill.
func Each(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Helper()
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) { f(t, Start(t, v)) })
	}
}

// EachShared runs f once per version, in a fresh database of the shared server.
func EachShared(t *testing.T, f func(t *testing.T, c *Client)) {
	t.Helper()
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) { f(t, NewClient(t, Shared(t, v))) })
	}
}

// Database creates a database with a random name, so that tests on one server
// do not meet.
func Database(t testing.TB, s *Server) (tenant, database string) {
	t.Helper()
	tenant, database = "default_tenant", "test_"+strings.ToLower(rand.Text())
	status, answer := s.Do(t, "POST", "/api/v2/tenants/"+tenant+"/databases", map[string]any{"name": database})
	if status != 200 {
		t.Fatalf("chromatest: create database %s: %d %s", database, status, answer)
	}
	return tenant, database
}
