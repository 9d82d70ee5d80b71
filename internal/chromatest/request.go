package chromatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// Do sends one request and fails the test where no answer comes. path begins
// with "/api". body is sent as JSON; nil sends none, and []byte is sent as it
// is, so that a test can send what no encoder writes.
func (s *Server) Do(t testing.TB, method, path string, body any) (status int, answer []byte) {
	t.Helper()
	status, answer, err := s.Try(method, path, body)
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	return status, answer
}

// Try is Do for where the server may die meanwhile, and for other goroutines
// than the test's.
func (s *Server) Try(method, path string, body any) (status int, answer []byte, err error) {
	encoded, raw := body.([]byte)
	if body != nil && !raw {
		if encoded, err = json.Marshal(body); err != nil {
			return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	request, err := http.NewRequest(method, s.URL()+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return response.StatusCode, answer, nil
}
