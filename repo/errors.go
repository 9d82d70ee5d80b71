package repo

import (
	"errors"
	"fmt"
	"strings"

	"autochrome/chunk"
	"autochrome/index"
)

// What callers branch on, with errors.Is.
var (
	ErrNoRepository = errors.New("there is no repository")
	ErrExists       = errors.New("there is a repository already")
	ErrNotEmpty     = errors.New("the folder is not empty")
	ErrFormat       = errors.New("the repository's format is not known")
	ErrDamaged      = errors.New("damaged")
	ErrMissing      = errors.New("missing") // a damaged chunk that no pack has
	ErrNoSnapshot   = errors.New("no such snapshot")
	ErrAmbiguous    = errors.New("not unique")
	ErrInvalid      = errors.New("not valid") // what a caller gave
	ErrClosed       = errors.New("the writer was used outside its Write")
	ErrSwept        = errors.New("deleted by a prune meanwhile") // what a snapshot counted on

	ErrWrongKey     = errors.New("wrong key")
	ErrPlain        = errors.New("the repository is not encrypted")
	ErrNoKey        = errors.New("no such key")
	ErrAmbiguousKey = errors.New("not the beginning of one key only")
	ErrKeyConflict  = errors.New("keys were removed from two sides")
	ErrEncryption   = errors.New("a repository on another machine should be encrypted")
)

// FormatError says what a repository is that this program cannot read.
type FormatError struct {
	Where    string
	Format   int
	IDs      string
	Envelope string
}

func (e *FormatError) Error() string {
	if e.Format == 0 {
		return fmt.Sprintf("%s: a repository of format 0, which was never settled; this autochrome knows format %d: start a new repository", e.Where, configFormat)
	}
	if e.Format != configFormat {
		return fmt.Sprintf("%s: a repository of format %d; this autochrome knows format %d: use a newer one", e.Where, e.Format, configFormat)
	}
	return fmt.Sprintf("%s: a repository whose ids are %q and whose envelope is %q, which this autochrome does not know: use a newer one", e.Where, e.IDs, e.Envelope)
}

func (e *FormatError) Unwrap() error { return ErrFormat }

// NotEmptyError names what stands in a folder that should become a repository.
type NotEmptyError struct {
	Where string
	Found []string // a few of the names
	More  int      // how many others there are
	Hint  string
}

func (e *NotEmptyError) Error() string {
	s := fmt.Sprintf("%s is not empty: it holds %s", e.Where, strings.Join(e.Found, ", "))
	if e.More > 0 {
		s += fmt.Sprintf(" and %d more", e.More)
	}
	return s + "; " + e.Hint
}

func (e *NotEmptyError) Unwrap() error { return ErrNotEmpty }

// DamagedError names a chunk that cannot be had as it was stored.
type DamagedError struct {
	Chunk  chunk.ID
	Pack   string // name of the pack's file; "" when no pack is known to hold it
	Offset int64
	Err    error
}

func (e *DamagedError) Error() string {
	if e.Pack == "" {
		return fmt.Sprintf("chunk %v: %v", e.Chunk, e.Err)
	}
	return fmt.Sprintf("chunk %v in %s at byte %d: %v", e.Chunk, e.Pack, e.Offset, e.Err)
}

// Unwrap makes errors.Is find ErrDamaged and the cause.
func (e *DamagedError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// DamagedFileError names a file of the repository that cannot be read as it
// was written. The chunks of packs are not meant: see DamagedError.
type DamagedFileError struct {
	File string
	Err  error
}

func (e *DamagedFileError) Error() string { return fmt.Sprintf("%s: %v", e.File, e.Err) }

// Unwrap makes errors.Is find ErrDamaged and the cause.
func (e *DamagedFileError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// SweptError says what a snapshot lacks that was to be written.
type SweptError struct {
	Chunk chunk.ID
	Err   error // why it cannot be had
}

func (e *SweptError) Error() string {
	return fmt.Sprintf("the snapshot is not written: it counted on chunk %v, %v (%v)", e.Chunk, ErrSwept, e.Err)
}

// Hint says what to do next.
func (e *SweptError) Hint() string {
	return "run the command again; what was stored before is whole. A prune with a --grace longer than a command may take does not disturb it"
}

// Unwrap makes errors.Is find ErrSwept and the cause.
func (e *SweptError) Unwrap() []error { return []error{ErrSwept, e.Err} }

// FindError says why a word does not name one snapshot.
type FindError struct {
	Word    string
	Reason  error      // ErrNoSnapshot or ErrAmbiguous
	Nearest []Snapshot // what may have been meant, the best first
	Hint    string     // what to do next
}

func (e *FindError) Error() string {
	var s strings.Builder
	if e.Reason == ErrAmbiguous {
		fmt.Fprintf(&s, "snapshot %q is not unique", e.Word)
	} else {
		fmt.Fprintf(&s, "no snapshot %q", e.Word)
	}
	if e.Hint != "" {
		s.WriteString("; " + e.Hint)
	}
	return s.String()
}

func (e *FindError) Unwrap() error { return e.Reason }

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", index.ErrCorrupt, fmt.Sprintf(format, args...))
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
