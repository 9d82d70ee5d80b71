package chunk

import "fmt"

// Entries reads the entries of a tree: see References.
type Entries func(kind Kind, entry []byte, refer func(kind Kind, run Run, whole bool) error) error

var entries Entries

// RegisterEntries says who can read the kinds from Groups to Collections. Package
// tree, whose entries they are, calls it when the program starts. So a
// repository can find out which chunks a snapshot needs, and knows no trees.
func RegisterEntries(e Entries) { entries = e }

// References tells which rows an entry refers to. kind is that of the entry's
// chunk. refer gets the kind of the rows (of a node's entries Nodes, which
// stands for Groups too: their chunk says which) and whether the run is all
// that its chunk holds.
func References(kind Kind, entry []byte, refer func(kind Kind, run Run, whole bool) error) error {
	if entries == nil {
		return fmt.Errorf("entries of %v: nobody here can read them", kind)
	}
	return entries(kind, entry, refer)
}
