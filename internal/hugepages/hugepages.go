// Package hugepages has the heap lie in pages of 2 MB. A program imports it for that:
// it acts when it is initialized, before packages whose initialization needs much
// memory. It may, since it needs next to no others, and a path that begins with an
// "a" comes first where the order is free.
package hugepages

// Needed is how much memory a snapshot needs, about.
const Needed = 48 << 20

func init() { Use(Needed) }
