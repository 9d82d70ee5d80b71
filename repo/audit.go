package repo

import (
	"time"

	"autochrome/chunk"
)

// An audit entry is a file audit/<writer>/<counter>, the counter with ten
// digits from 1 on:
//
//	magic    "ACAU"
//	version  u8       0
//	entry             canonical JSON
//	checksum 32 bytes chunk.FileHash of all bytes before it
//
// The checksum tells a damaged entry also where no other follows.
// Each entry names the hash of the file before it (chunk.AuditHash), so that
// nobody changes or removes one, other than the last, without a trace. Each
// writer has a chain of its own, because an object store cannot append.
// Versions: 0 is the first.
const (
	auditMagic   = "ACAU"
	auditVersion = 0

	// maxAudit bounds an entry's file, in bytes.
	maxAudit = 1 << 20
)

// AuditEntry is one thing that was done.
type AuditEntry struct {
	Time     time.Time        `json:"time"` // by the writer's clock; zero: now
	User     string           `json:"user,omitempty"`
	Host     string           `json:"host,omitempty"`
	Command  string           `json:"command"`            // as typed, without secrets
	Trigger  string           `json:"trigger,omitempty"`  // who or what started it: a person, a schedule, guard
	Action   string           `json:"action"`             // snapshot, rollback, prune, ...
	Snapshot *chunk.ID        `json:"snapshot,omitempty"` // that it was about
	Outcome  string           `json:"outcome"`
	Error    string           `json:"error,omitempty"`
	Counts   map[string]int64 `json:"counts,omitempty"`
	Millis   int64            `json:"millis,omitempty"` // how long it took

	// Audit fills these in.
	Writer   string   `json:"writer"`  // of which chain
	Counter  int64    `json:"counter"` // from 1 on
	Previous chunk.ID `json:"previous"`
	Nonce    string   `json:"nonce"` // tells two processes apart that do the same at once

	// Stored is when the repository got it, by the store's clock.
	Stored time.Time `json:"-"`
}

// AuditProblem is what is wrong with a chain of audit entries.
type AuditProblem struct {
	File    string // audit/<writer>/<counter>
	Missing bool   // else it was changed, or is damaged
	Reason  string
}
