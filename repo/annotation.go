package repo

import (
	"strings"
	"time"

	"autochrome/chunk"
)

// An annotation is a file of its own, notes/<hash of the file>:
//
//	magic    "ACNT"
//	version  u8       0
//	note     to end   canonical JSON
//
// Versions: 0 is the first.
const (
	annotationMagic   = "ACNT"
	annotationVersion = 0

	// maxAnnotation bounds an annotation's file, in bytes.
	maxAnnotation = 1 << 20
)

// The keys of annotations. A tag's key is TagKey of its name.
const (
	KeyHold     = "hold"      // no retention rule removes it; the value says why
	KeyVerified = "verified"  // its stored bytes were read; the value says how much
	KeyRestored = "restored"  // the value says where to
	KeySuspect  = "suspect"   // never the latest; the value says why
	KeyDeleted  = "deleted"   // it counts as gone, and prune removes it; the value says why
	KeyRunEnded = "run-ended" // of the base of a migration run; the value says how it ended
	tagPrefix   = "tag:"
)

// annotationKeys are the keys that are no tags.
var annotationKeys = []string{KeyHold, KeyVerified, KeyRestored, KeySuspect, KeyDeleted, KeyRunEnded}

// TagKey is the key of a tag.
func TagKey(name string) string { return tagPrefix + name }

// Annotation is said about a snapshot after it was written. Of those with the
// same snapshot and key the newest counts.
type Annotation struct {
	Snapshot chunk.ID  `json:"snapshot"`
	Key      string    `json:"key"`
	Value    string    `json:"value,omitempty"`
	Removed  bool      `json:"removed,omitempty"` // takes back what an earlier one said
	Time     time.Time `json:"time"`              // by the writer's clock; zero: now
	Host     string    `json:"host,omitempty"`
	User     string    `json:"user,omitempty"`
	Nonce    string    `json:"nonce"` // made by Annotate

	// Stored is when the repository got it, by the store's clock.
	Stored time.Time `json:"-"`
}

// Notes are the newest annotations of one snapshot by their key, also those
// that take something back.
type Notes map[string]Annotation

// Value gives what is said under key, and whether anything is.
func (n Notes) Value(key string) (string, bool) {
	a, ok := n[key]
	return a.Value, ok && !a.Removed
}

// Held says whether no rule removes the snapshot, and why.
func (n Notes) Held() (why string, held bool) { return n.Value(KeyHold) }

// Deleted reports whether the snapshot counts as gone.
func (n Notes) Deleted() bool {
	_, deleted := n.Value(KeyDeleted)
	return deleted
}

// Suspect says why a snapshot is not a good one, or "". An annotation counts
// more than the record.
func (n Notes) Suspect(s Snapshot) string {
	a, ok := n[KeySuspect]
	switch {
	case !ok:
		return s.Suspect
	case a.Removed:
		return ""
	case a.Value == "":
		return "marked as suspect"
	}
	return a.Value
}

// Tags gives a snapshot's tags: those of its record and what annotations made
// of them.
func (n Notes) Tags(s Snapshot) map[string]string {
	tags := make(map[string]string, len(s.Tags))
	for k, v := range s.Tags {
		tags[k] = v
	}
	for key, a := range n {
		name, ok := strings.CutPrefix(key, tagPrefix)
		switch {
		case !ok:
		case a.Removed:
			delete(tags, name)
		default:
			tags[name] = a.Value
		}
	}
	return tags
}
