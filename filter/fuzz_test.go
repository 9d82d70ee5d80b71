package filter_test

import (
	"errors"
	"testing"

	"autochrome/chunk"
	"autochrome/filter"
)

// FuzzFilter: what is no filter is refused with a reason, and what is one says of
// every record whether it selects it.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		`{"lang":"en"}`, `{"$and":[{"n":{"$gte":3}},{"lang":{"$in":["en","de"]}}]}`, `{"n":{"$ne":1.5}}`, `{"$or":[]}`,
		`{"$contains":"some words"}`, `{"$not_contains":""}`, `{"$regex":"^a(b|c)*$"}`, `{"tags":{"$contains":"x"}}`, `{"":{"$nin":[true]}}`,
	} {
		f.Add([]byte(text), "some words", int64(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, document string, n int64) {
		records := []chunk.Record{{ID: "a"}, {ID: "b", Document: &document, Metadata: chunk.Metadata{
			{Key: "lang", Value: chunk.Value{Type: chunk.String, Str: document}},
			{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: n}},
		}}}
		for _, read := range []func([]byte) (*filter.Filter, error){filter.Where, filter.WhereDocument} {
			got, err := read(text)
			if err != nil {
				if e := new(filter.Error); !errors.As(err, &e) || e.Message == "" {
					t.Errorf("%q: %v", text, err)
				}
				continue
			}
			for i := range records {
				if got.Match(&records[i]) != filter.And(got, got).Match(&records[i]) {
					t.Errorf("%q is not of one mind about record %d", text, i)
				}
			}
		}
	})
}
