// Package tree is the Merkle tree of a snapshot: root → collections → nodes →
// row groups → chunks. It builds a tree from records ([Builder]), changes one
// ([Apply]), walks it ([Reader]) and compares two ([Diff]).
//
// A tree says things at two levels that never mix. The logical ids say what
// the content is: they depend on the records and their order alone. The runs
// say where its rows lie: they depend on history. Equality, Diff and golden
// roots go by logical ids.
package tree
