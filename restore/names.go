package restore

import (
	"fmt"
	"maps"
	"slices"
)

// Names says what a snapshot's collections shall be called in a target.
type Names struct {
	Rename map[string]string // name in the snapshot → name in the target
	Prefix string            // goes before the names of all that Rename does not name
}

// NamesError says that collections cannot be called as they shall be. Nothing
// was written.
type NamesError struct{ message, hint string }

func (e *NamesError) Error() string { return e.message }

// Hint says what to do next.
func (e *NamesError) Hint() string { return e.hint }

func (n Names) of(name string) string {
	if to, ok := n.Rename[name]; ok {
		return to
	}
	return n.Prefix + name
}

// apply gives the collections their names in the target. They are known there
// by these names only: a server id of the source means nothing in a target,
// and where it means something it is the collection that shall be left alone.
func (n Names) apply(want []Wanted, valid func(name string) error) error {
	unknown := maps.Clone(n.Rename)
	from := map[string]string{}
	for i := range want {
		w := &want[i]
		old := w.Tree.Name
		delete(unknown, old)
		name := n.of(old)
		if err := valid(name); err != nil {
			return &NamesError{fmt.Sprintf("collection %q would be called otherwise: %v", old, err), "choose another name with --rename or --prefix"}
		}
		if other, twice := from[name]; twice {
			return &NamesError{fmt.Sprintf("%q and %q would both be called %q", other, old, name), "give one of them another name with --rename"}
		}
		from[name] = old
		w.Tree.Name, w.ServerID = name, ""
	}
	for _, old := range slices.Sorted(maps.Keys(unknown)) {
		return &NamesError{fmt.Sprintf("there is no collection %q to be renamed to %q", old, n.Rename[old]), "see what there is: autochrome ls ID"}
	}
	return nil
}
