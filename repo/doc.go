// Package repo keeps a repository: chunks in packs, snapshots that name them,
// annotations about snapshots, and an audit log, all as objects of a
// [backend.Backend].
//
// Start with [Repository], which reads, and [Writer], which exists only inside
// [Repository.Write].
//
// What stands where (every file begins with a magic and a version):
//
//	autochrome.json             what kind of repository this is
//	packs/xx/<hex>              chunks and their directory, see pack.go
//	index/<hex>                 the directories of packs again, see package index
//	roots/<hex>                 a snapshot's record, see snapshot.go
//	roots/<hex>.pack            a point pack: chunks and records in one object
//	lists/<hex>                 the records of many snapshots, see list.go
//	notes/<hex>                 an annotation, see annotation.go
//	marks/<hex>                 packs that are to be deleted, see mark.go
//	audit/<writer>/<counter>    an audit entry, see audit.go
//
// Files are written once and never changed. Packs, point packs, index files
// and annotations are named by the hash of their bytes, snapshots by the hash
// of their record.
//
// The order of writes is what makes a crash harmless: packs are durable before
// the index file that names them is written, and that is durable before the
// snapshot that needs them. So a snapshot that is listed is whole, and what a
// crash leaves is at most unreferenced. A reader goes the other way: snapshots
// first, then lists of them, then indexes, then packs.
package repo
