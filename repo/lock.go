package repo

import "autochrome/repo/backend"

// Holder is a process that is at something.
type Holder = backend.Holder

// ErrLocked: another process is at it.
var ErrLocked = backend.ErrLocked

// LockRun keeps others from going on with a run until it is unlocked or this
// process ends; ErrLocked (a *backend.LockedError) while somebody else is at it.
// In a store that has no locks everybody has to see to that.
func (r *Repository) LockRun(run string) (unlock func() error, err error) {
	if l, ok := r.store.(backend.Locker); ok {
		return l.Lock(run)
	}
	return func() error { return nil }, nil
}

// RunHolder tells who is at a run; nil: nobody, or it cannot be known.
func (r *Repository) RunHolder(run string) (*Holder, error) {
	if l, ok := r.store.(backend.Locker); ok {
		return l.Holder(run)
	}
	return nil, nil
}
