// Package backend stores named byte strings: in a folder, in memory, and
// later in an object store. It knows nothing of what the bytes mean.
//
// A reader needs two names first: [Backend], the contract that every store
// keeps (package backendtest checks each sentence of it), and [Error], what a
// failed call returns. [OpenLocal] and [Memory] are the stores.
package backend

import (
	"context"
	"errors"
	"time"
)

// Backend is a store of objects: byte strings under names, written whole and
// read in parts.
//
// A name is a relative path with slashes between its segments, at most 200
// bytes in all. A segment is of a-z, 0-9, '.', '_' and '-', begins with a
// letter or a digit, does not end with '.', and does not begin with "tmp-",
// which is kept for objects under way. Any other name is answered with
// [ErrName] before anything is touched. A name must not also be the folder of
// another object.
//
// All methods may be called at the same time from many goroutines, and from
// many processes on the same store. A call whose context is done before it
// took effect returns the context's error. Errors wrap one of the sentinels
// of this package where a caller may want to branch on it.
type Backend interface {
	// Save writes an object whole, replacing one of the same name. After a
	// nil error it survives a power cut; after any other, or a crash, there
	// is the new object, or what was there before, and never a part. Others
	// may see an object before its Save returned: what relies on it must be
	// written after that. Save neither keeps nor changes data.
	Save(ctx context.Context, name string, data []byte) error

	// Create is Save for a name that must be new: ErrExist when there is an
	// object. Of many that create one name at once exactly one succeeds.
	Create(ctx context.Context, name string, data []byte) error

	// Load returns length bytes from offset on, all that follows if length
	// is negative, and for a negative offset (with a negative length) the
	// last -offset bytes, or the whole object where that is shorter.
	// ErrNotExist when there is no such object, ErrShort when it ends before
	// the range does. No more memory is taken than the object has bytes, so
	// a length need not be trusted. The result belongs to the caller.
	Load(ctx context.Context, name string, offset, length int64) ([]byte, error)

	// List calls fn for each object whose name begins with folder, which is
	// "" or ends with a slash, in the order of the names' bytes. A folder
	// without objects is empty, not an error. What was saved before List was
	// called is listed once; what is saved or removed meanwhile may or may
	// not be. fn may use the backend; its error ends List and is returned as
	// it is.
	List(ctx context.Context, folder string, fn func(Info) error) error

	// Remove deletes an object, durably before it returns; nil when there is
	// none.
	Remove(ctx context.Context, name string) error

	// Now is the time by the store's clock, the one that stamps
	// [Info.Modified]: deletion must not trust a client's. It may be rounded
	// down to a second, and may need the right to write.
	Now(ctx context.Context) (time.Time, error)

	// Location names the store in messages; it never holds a secret.
	Location() string

	// Close frees what the backend holds. No call may be under way, and none
	// may follow.
	Close() error
}

// Info is what List tells about an object.
type Info struct {
	Name     string
	Size     int64     // bytes
	Modified time.Time // when it was last saved, by the store's clock
}

// What callers branch on, with errors.Is.
var (
	ErrNotExist = errors.New("does not exist")
	ErrExist    = errors.New("exists already")
	ErrShort    = errors.New("the object is shorter than the part asked for")
	ErrName     = errors.New("not a valid name in a repository")
	ErrNoSpace  = errors.New("no space left")
	ErrReadOnly = errors.New("writing is not allowed")
)

// Exists reports whether there is an object of this name.
func Exists(ctx context.Context, b Backend, name string) (bool, error) {
	_, err := b.Load(ctx, name, 0, 0)
	if errors.Is(err, ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// LoadAll returns a whole object.
func LoadAll(ctx context.Context, b Backend, name string) ([]byte, error) {
	return b.Load(ctx, name, 0, -1)
}

// LoadInto is Load of a part in the memory of buf, where that is large enough and
// the backend can.
func LoadInto(ctx context.Context, b Backend, buf []byte, name string, offset, length int64) ([]byte, error) {
	if into, ok := b.(interface {
		LoadInto(ctx context.Context, buf []byte, name string, offset, length int64) ([]byte, error)
	}); ok {
		return into.LoadInto(ctx, buf, name, offset, length)
	}
	return b.Load(ctx, name, offset, length)
}

// Names returns the names of the objects in a folder, in order.
func Names(ctx context.Context, b Backend, folder string) ([]string, error) {
	var names []string
	err := b.List(ctx, folder, func(info Info) error {
		names = append(names, info.Name)
		return nil
	})
	return names, err
}
