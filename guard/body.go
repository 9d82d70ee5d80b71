package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// said is what the body of a write to records says, as far as it matters.
type said struct {
	ids    []string        // nil: none are named
	filter json.RawMessage // of a delete: {"where": …, "where_document": …} and "ids" where given; nil: none
}

// parseBody reads the body of an add, upsert, update or delete. ok is false
// for what is no such body: Chroma will refuse it, or knows more than this.
func parseBody(v verb, body []byte) (s said, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return s, false
	}
	if ids := fields["ids"]; len(ids) > 0 && json.Unmarshal(ids, &s.ids) != nil {
		return s, false
	}
	if v != deletes {
		return s, true
	}
	filter := map[string]json.RawMessage{}
	for _, name := range []string{"where", "where_document", "limit"} {
		if f := fields[name]; len(f) > 0 && string(f) != "null" {
			filter[name] = f
		}
	}
	if len(filter) == 0 {
		return s, true
	}
	if ids := fields["ids"]; s.ids != nil {
		filter["ids"] = ids
	}
	filter["include"] = json.RawMessage("[]")
	var err error
	s.filter, err = json.Marshal(filter)
	return s, err == nil
}

// poisoned are the metadata keys that Chroma keeps for itself. One of them
// with a value that is no string kills the part of the server that carries out
// writes: every write to every collection fails from then on, also after a
// restart.
var poisoned = []string{"chroma:document", "chroma:uri"}

// poison says what in a body would kill the server; "": nothing.
func poison(body []byte) string {
	if !bytes.Contains(body, []byte("chroma:")) && !bytes.Contains(body, []byte(`\u`)) {
		return ""
	}
	var fields map[string]json.RawMessage
	var ids []string
	var metadatas []map[string]any
	if json.Unmarshal(body, &fields) != nil || json.Unmarshal(fields["metadatas"], &metadatas) != nil {
		return ""
	}
	_ = json.Unmarshal(fields["ids"], &ids) // for the message only
	for i, m := range metadatas {
		for _, key := range poisoned {
			v, there := m[key]
			if _, text := v.(string); !there || text {
				continue
			}
			which := fmt.Sprintf("record %d", i)
			if i < len(ids) {
				which = fmt.Sprintf("record %q", ids[i])
			}
			return fmt.Sprintf("the metadata of %s has the key %q with a value that is no text; it would make Chroma refuse every write from then on, so it was not sent", which, key)
		}
	}
	return ""
}
