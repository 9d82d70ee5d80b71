package repo

import (
	"time"

	"autochrome/chunk"
)

// A snapshot's record is canonical JSON (see chunk.CanonicalJSON). Its identity
// is chunk.SnapshotHash of these bytes. The file roots/<identity> is
//
//	magic    "ACSN"
//	version  u8       0
//	record   to end   stored form (see chunk.Encode) of the JSON
//
// and an entry of kind index.Record in a point pack is the stored form alone.
// Versions: 0 is the first; "format" in the JSON repeats it.
const (
	snapshotMagic   = "ACSN"
	snapshotVersion = 0

	// maxRecord bounds a record in bytes: ten thousand collections with long
	// names take 3 MB.
	maxRecord = 16 << 20

	// MaxDamageNamed is how many damaged records a snapshot names; the count
	// goes on, and the records themselves can be asked.
	MaxDamageNamed = 100
)

// SnapshotKind says why a snapshot was taken.
type SnapshotKind string

// The kinds of snapshots.
const (
	KindSnapshot    SnapshotKind = "snapshot"
	KindPreRollback SnapshotKind = "pre-rollback" // the live state, before a rollback changes it
	KindPoint       SnapshotKind = "point"        // after a write batch of a guarded migration
	KindImported    SnapshotKind = "imported"     // from an archive
)

// Capture says what is known of the source while it was read.
type Capture string

// The kinds of capture, the best first.
const (
	CaptureStill     Capture = "still"      // nothing changed meanwhile
	CaptureIDsStable Capture = "ids-stable" // the ids were the same before and after
	CaptureMoving    Capture = "moving"     // ids changed meanwhile
)

// Snapshot is a named, dated root. It is never rewritten.
type Snapshot struct {
	// ID is the identity, made by SaveSnapshot and SavePoint.
	ID chunk.ID `json:"-"`
	// Stored is when the repository got it, by the store's clock.
	Stored time.Time `json:"-"`
	// File is the name of the file that holds it.
	File string `json:"-"`
	// RecordBytes is the length of that file where it holds the record alone.
	RecordBytes int64 `json:"-"`

	Format int          `json:"format"`
	Name   string       `json:"name,omitempty"` // given by the user
	Time   time.Time    `json:"time"`           // UTC, whole milliseconds; zero: now
	Nonce  string       `json:"nonce"`          // makes the identity unique; made on saving
	Kind   SnapshotKind `json:"kind"`
	Source string       `json:"source"`
	Scope  Scope        `json:"scope"`
	Parent *chunk.ID    `json:"parent,omitempty"` // its id, or what it is copied from
	Root   chunk.Root   `json:"root"`

	// CopiedFrom is the first snapshot that said the same, where this is a copy
	// of it in a repository with other ids.
	CopiedFrom *chunk.ID `json:"copied_from,omitempty"`

	Capture     Capture           `json:"capture"`
	Suspect     string            `json:"suspect,omitempty"` // why it is not a good one; "": it is
	Tags        map[string]string `json:"tags,omitempty"`
	Run         string            `json:"run,omitempty"` // of the migration that it belongs to
	Collections []CollectionInfo  `json:"collections,omitempty"`
	Unreadable  []string          `json:"unreadable,omitempty"` // collections that could not be read: unknown, not absent
	Damage      Damage            `json:"damage,omitzero"`

	Server  Server `json:"server,omitzero"`
	Host    string `json:"host,omitempty"`
	User    string `json:"user,omitempty"`
	Command string `json:"command,omitempty"`
	Version string `json:"version,omitempty"` // of autochrome
	Stats   Stats  `json:"stats"`
}

// Scope is what a snapshot looked at.
type Scope struct {
	Tenant      string   `json:"tenant"`
	Database    string   `json:"database"`
	Collections []string `json:"collections,omitempty"` // nil: all
}

// CollectionInfo is what a snapshot knows of a collection beside its content.
type CollectionInfo struct {
	Name     string  `json:"name"`
	ServerID string  `json:"server_id,omitempty"`
	Records  int64   `json:"records"`
	Damaged  int64   `json:"damaged,omitempty"`
	Capture  Capture `json:"capture,omitempty"`
}

// Damage is what was wrong with the source's records.
type Damage struct {
	Total int64           `json:"total"`
	First []DamagedRecord `json:"first,omitempty"` // at most MaxDamageNamed
}

// DamagedRecord names a record and what is wrong with it.
type DamagedRecord struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Reason     string `json:"reason"`
}

// Server is where a snapshot was taken. URL holds no secret.
type Server struct {
	URL     string `json:"url,omitempty"`
	Version string `json:"version,omitempty"`
}

// Stats are a snapshot's figures.
type Stats struct {
	BytesRead int64 `json:"bytes_read,omitempty"` // from the server
	Millis    int64 `json:"millis,omitempty"`     // from beginning to record

	// The Writer fills these in. BytesStored is the length of all files that
	// it wrote since its last snapshot, without the record itself.
	BytesStored  int64 `json:"bytes_stored"`
	ChunksStored int64 `json:"chunks_stored"`
}

// Cost is what the snapshot added to the repository, in bytes: what was stored
// for it and its record. Of a point the record's few bytes are left out.
func (s Snapshot) Cost() int64 { return s.Stats.BytesStored + s.RecordBytes }

// Good reports whether the record itself says nothing against the snapshot; an
// annotation may: see Notes.Suspect.
func (s Snapshot) Good() bool { return s.Suspect == "" }

// Origin is what all copies of a snapshot have in common, itself included.
func (s Snapshot) Origin() chunk.ID {
	if s.CopiedFrom == nil {
		return s.ID
	}
	return *s.CopiedFrom
}

// ParentID is the parent, or the zero ID.
func (s Snapshot) ParentID() chunk.ID {
	if s.Parent == nil {
		return chunk.ID{}
	}
	return *s.Parent
}
