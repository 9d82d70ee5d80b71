package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"autochrome/chunk"
)

// Error says why a text is no filter.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func wrong(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Filter selects records.
type Filter struct {
	match match
	kinds map[chunk.Kind]bool
}

// match is a filter or a part of one.
type match func(r *chunk.Record) bool

func (m match) not() match { return func(r *chunk.Record) bool { return !m(r) } }

// Match reports whether the filter selects a record.
func (f *Filter) Match(r *chunk.Record) bool { return f.match(r) }

// Kinds are the columns that Match looks at.
func (f *Filter) Kinds() []chunk.Kind {
	var out []chunk.Kind
	for _, k := range chunk.Columns {
		if f.kinds[k] {
			out = append(out, k)
		}
	}
	return out
}

// And selects what both select; either may be nil, which selects everything.
func And(a, b *Filter) *Filter {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := &Filter{match: func(r *chunk.Record) bool { return a.match(r) && b.match(r) }, kinds: map[chunk.Kind]bool{}}
	for _, f := range []*Filter{a, b} {
		for k := range f.kinds {
			out.kinds[k] = true
		}
	}
	return out
}

// Where reads a filter of metadata, as {"lang":"en"} or
// {"$and":[{"n":{"$gte":3}},{"lang":{"$in":["en","de"]}}]}.
func Where(text []byte) (*Filter, error) { return read(text, (*Filter).where) }

// WhereDocument reads a filter of documents, as {"$contains":"some words"}.
func WhereDocument(text []byte) (*Filter, error) { return read(text, (*Filter).document) }

func read(text []byte, compile func(*Filter, any) (match, error)) (*Filter, error) {
	if _, err := chunk.CanonicalJSON(text); err != nil { // it refuses keys that stand twice
		return nil, wrong("it is not JSON: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, wrong("it is not JSON: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, wrong("there is something behind the end of the JSON object")
	}
	f := &Filter{kinds: map[chunk.Kind]bool{}}
	var err error
	f.match, err = compile(f, tree)
	return f, err
}

// only gives the one member of an object.
func only(tree any) (key string, value any, err error) {
	object, ok := tree.(map[string]any)
	if !ok {
		return "", nil, wrong("%s stands where an object like {\"key\": value} must be", show(tree))
	}
	if len(object) != 1 {
		return "", nil, wrong("%s has %d keys and must have one; join several with $and: {\"$and\":[{…},{…}]}", show(tree), len(object))
	}
	for key, value = range object {
	}
	return key, value, nil
}

// joined reads what is behind $and or $or.
func joined(op string, list any, each func(any) (match, error)) (match, error) {
	parts, ok := list.([]any)
	if !ok {
		return nil, wrong("%s takes a list of filters, not %s", op, show(list))
	}
	all := make([]match, len(parts))
	for i, p := range parts {
		var err error
		if all[i], err = each(p); err != nil {
			return nil, err
		}
	}
	and := op == "$and"
	return func(r *chunk.Record) bool {
		for _, m := range all {
			if m(r) != and {
				return !and
			}
		}
		return and
	}, nil
}

func (f *Filter) where(tree any) (match, error) {
	key, value, err := only(tree)
	if err != nil {
		return nil, err
	}
	switch key {
	case "$and", "$or":
		return joined(key, value, f.where)
	case "#document": // newer servers take documents here too
		return f.document(value)
	case "chroma:document", "chroma:uri":
		return nil, wrong("%q is no metadata; select documents with a filter of documents", key)
	}
	f.kinds[chunk.Metadatas] = true
	return metadata(key, value)
}

func (f *Filter) document(tree any) (match, error) {
	op, value, err := only(tree)
	if err != nil {
		return nil, err
	}
	if op == "$and" || op == "$or" {
		return joined(op, value, f.document)
	}
	text, ok := value.(string)
	if !ok && strings.HasPrefix(op, "$") {
		return nil, wrong("%s takes a text, not %s", op, show(value))
	}
	f.kinds[chunk.Documents] = true
	positive, negated := strings.CutPrefix(op, "$not_")
	if !negated {
		positive = strings.TrimPrefix(op, "$")
	}
	var m match
	switch {
	case positive == op: // without a $
		return nil, wrong("%q is no operator; there are $contains, $not_contains, $regex, $not_regex, $and, $or", op)
	case positive == "contains":
		m = func(r *chunk.Record) bool { return r.Document != nil && strings.Contains(*r.Document, text) }
	case positive == "regex":
		expr, err := compileRegex(text)
		if err != nil {
			return nil, err
		}
		m = func(r *chunk.Record) bool { return r.Document != nil && expr.MatchString(*r.Document) }
	default:
		return nil, wrong("%q is no operator for documents; there are $contains, $not_contains, $regex, $not_regex, $and, $or", op)
	}
	if negated {
		m = m.not()
	}
	return m, nil
}

// show is a part of a filter for a message.
func show(tree any) string {
	text, err := json.Marshal(tree)
	if err != nil {
		return "?"
	}
	if len(text) > 100 {
		text = append(text[:100], "…"...)
	}
	return string(text)
}
