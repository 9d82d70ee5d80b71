package guard

import (
	"encoding/json"
	"testing"
)

// FuzzBody: no body of a client stops the proxy, and what a delete asks Chroma
// first is JSON that names the filter.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"ids":["a","b"],"metadatas":[{"chroma:document":null},null]}`, `{"where":{"a":1},"where_document":null,"limit":5,"ids":["x"]}`,
		`{"ids":null}`, `{"metadatas":[{"chroma\u003auri":5}]}`, `[]`, `{"ids":[1]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = poison(body)
		for _, v := range []verb{adds, upserts, updates, deletes} {
			s, ok := parseBody(v, body)
			if !ok || s.filter == nil {
				continue
			}
			var asked map[string]json.RawMessage
			if err := json.Unmarshal(s.filter, &asked); err != nil || v != deletes || len(asked) < 2 {
				t.Errorf("%q asks %s: %v", body, s.filter, err)
			}
		}
	})
}
