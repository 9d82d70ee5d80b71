package backend

import (
	"errors"
	"fmt"
	"time"
)

// Locker is a Backend in which a process can keep others out of something. A
// lock goes with its process, however that ends, so that none is ever stale.
type Locker interface {
	// Lock takes the lock of a name, or is a *LockedError while somebody else
	// has it. unlock gives it back. Where a store turns out to have no locks,
	// everybody gets it.
	Lock(name string) (unlock func() error, err error)

	// Holder tells who has the lock; nil: nobody, or it cannot be known.
	Holder(name string) (*Holder, error)
}

// Holder is a process that has a lock.
type Holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (h Holder) String() string {
	if h.PID == 0 { // it has only just taken it, or this system does not let others read it
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Since.UTC().Format(time.RFC3339))
}

// ErrLocked: somebody else has the lock.
var ErrLocked = errors.New("is locked")

// LockedError says who has a lock.
type LockedError struct {
	Name   string // of the lock
	Holder Holder
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is locked by %v", e.Name, e.Holder) }

// Unwrap makes it an ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }
