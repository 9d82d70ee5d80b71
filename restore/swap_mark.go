package restore

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"

	"autochrome/chunk"
)

// markKey is the key of a collection's metadata that says what a swap has it
// beside the others for. It comes and goes with the name, in one request.
const markKey = "autochrome-swap"

// role is what a collection that stands beside is.
type role string

const (
	roleNew  role = "new"  // it is being written, and gets its name when it is whole
	roleOld  role = "old"  // it had the name, and goes when the new one was looked at
	roleKept role = "kept" // it had the name, and stays until somebody lets go of it
)

// mark is what a swap notes about a collection that it has beside. It names the
// collection, so that a copy of its metadata elsewhere says nothing.
type mark struct {
	Role       role   `json:"is"`
	Name       string `json:"name"`       // that it has
	Of         string `json:"of"`         // that it shall have, or had
	Snapshot   string `json:"snapshot"`   // full id of the one that was gone back to
	Repository string `json:"repository"` // id
}

// besideName is a name that nobody has.
func besideName(name string, r role) string {
	if r == roleNew {
		return withSuffix(name, "-autochrome-swap-")
	}
	return withSuffix(name, "-autochrome-old-")
}

// withSuffix makes a name that nobody has; Chroma allows 512 characters.
func withSuffix(name, suffix string) string {
	suffix += strings.ToLower(rand.Text()[:8])
	return name[:min(len(name), 512-len(suffix))] + suffix
}

// markOf reads the mark of a collection. A name that is not of our making, and
// a mark that names another collection, are none.
func markOf(c chunk.Collection) (m mark, ok bool) {
	v, ok := c.Description.Metadata.Get(markKey)
	if !ok || v.Type != chunk.String || json.Unmarshal([]byte(v.Str), &m) != nil {
		return mark{}, false
	}
	between := map[role]string{roleNew: "-autochrome-swap-", roleOld: "-autochrome-old-", roleKept: "-autochrome-old-"}[m.Role]
	if between == "" || m.Name != c.Name || m.Of == "" || !strings.Contains(c.Name, between) {
		return mark{}, false
	}
	return m, true
}

// mayBeMarked reports whether a name is of our making.
func mayBeMarked(name string) bool {
	return strings.Contains(name, "-autochrome-swap-") || strings.Contains(name, "-autochrome-old-")
}

// on gives a description with the mark.
func (m mark) on(d chunk.CollectionDescription) (chunk.CollectionDescription, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return d, err
	}
	d = unmarked(d)
	d.Metadata, err = chunk.NewMetadata(append(slices.Clone(d.Metadata), chunk.Field{Key: markKey, Value: chunk.Value{Type: chunk.String, Str: string(text)}}))
	return d, err
}

func unmarked(d chunk.CollectionDescription) chunk.CollectionDescription {
	d.Metadata = slices.DeleteFunc(slices.Clone(d.Metadata), func(f chunk.Field) bool { return f.Key == markKey })
	return d
}

// aside reports whether a collection had its name until a swap and another one
// of these has it now. Where nobody has it the swap was cut off between its two
// renames, and the collection is still the one of that name.
func aside(c chunk.Collection, all []chunk.Collection) bool {
	m, ok := markOf(c)
	if !ok || m.Role == roleNew {
		return false
	}
	_, there := byName(all, m.Of)
	return there
}
