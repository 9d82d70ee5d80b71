package parquet

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"autochrome/chunk"
)

// Column is the column of a metadata key.
type Column struct {
	Key   string
	Type  chunk.Type // String, Int, Float or Bool
	Array bool       // of that type
}

// Survey finds out which columns the metadata of a collection needs: a file says
// so before its first row. It counts the types of each key's values.
type Survey struct {
	keys map[string]*counts
	more bool // there are keys that were not counted
}

// counts are numbers of values, by what they fit into.
type counts struct {
	all   int64
	empty int64            // arrays, which fit into any column of arrays
	exact map[Column]int64 // Key is not set
}

// fits gives the column, without a key, in which a value is exact.
func fits(v chunk.Value) (c Column, ok bool) {
	switch v.Type {
	case chunk.String, chunk.Int, chunk.Float, chunk.Bool:
		return Column{Type: v.Type}, true
	case chunk.Array:
		if len(v.Array) == 0 {
			return c, false
		}
		for _, e := range v.Array[1:] {
			if e.Type != v.Array[0].Type {
				return c, false
			}
		}
		return Column{Type: v.Array[0].Type, Array: true}, true
	}
	return c, false
}

func isEmpty(v chunk.Value) bool { return v.Type == chunk.Array && len(v.Array) == 0 }

// Add counts the metadata of one record.
func (s *Survey) Add(m chunk.Metadata) {
	if s.keys == nil {
		s.keys = map[string]*counts{}
	}
	for _, f := range m {
		k := s.keys[f.Key]
		if k == nil {
			if !names(f.Key) || len(s.keys) == maxKeys {
				s.more = true
				continue
			}
			k = &counts{exact: map[Column]int64{}}
			s.keys[f.Key] = k
		}
		k.all++
		if c, ok := fits(f.Value); ok {
			k.exact[c]++
		} else if isEmpty(f.Value) {
			k.empty++
		}
	}
}

// names reports whether a key can name a column. Readers may take names that
// differ in case only for the same.
func names(key string) bool {
	if key == "" || len(key) > maxKeyName || strings.HasPrefix(key, indexPrefix) || strings.ContainsFunc(key, unicode.IsControl) {
		return false
	}
	for _, taken := range []string{idColumn, embeddingColumn, documentColumn, uriColumn, restColumn} {
		if strings.EqualFold(key, taken) {
			return false
		}
	}
	return true
}

// column gives the column that most values of a key fit into, and whether all of
// them are exact in it. Integers fit into a column of floats, though not exactly.
func (k *counts) column() (best Column, n int64, all bool) {
	for _, array := range []bool{false, true} {
		for _, t := range []chunk.Type{chunk.String, chunk.Int, chunk.Float, chunk.Bool} {
			c := Column{Type: t, Array: array}
			count := k.exact[c]
			ints, floats := k.exact[Column{Type: chunk.Int, Array: array}], k.exact[Column{Type: chunk.Float, Array: array}]
			switch {
			case t == chunk.Float && floats > 0:
				count += ints
			case t == chunk.Int && floats > 0:
				count = 0
			}
			if count > n {
				best, n = c, count
			}
		}
	}
	exact := k.exact[best]
	if best.Array {
		exact += k.empty
	}
	return best, n, exact == k.all
}

// Columns gives the columns, by their names, and whether something is left for
// metadata_rest.
func (s *Survey) Columns() (columns []Column, rest bool) {
	type chosen struct {
		Column
		n int64
	}
	var list []chosen
	rest = s.more
	for key, k := range s.keys {
		c, n, all := k.column()
		rest = rest || !all
		if n > 0 {
			c.Key = key
			list = append(list, chosen{c, n})
		}
	}
	slices.SortFunc(list, func(a, b chosen) int { return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.Key, b.Key)) })
	folded := map[string]bool{}
	for _, c := range list {
		if f := strings.ToLower(c.Key); !folded[f] && len(columns) < maxColumns {
			folded[f] = true
			columns = append(columns, c.Column)
		} else {
			rest = true
		}
	}
	slices.SortFunc(columns, func(a, b Column) int { return strings.Compare(a.Key, b.Key) })
	return columns, rest
}
