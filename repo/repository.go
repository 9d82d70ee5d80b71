package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// Repository is an open repository. It shows the store as it was when it was
// opened or last refreshed, and what this process wrote since. It is safe for
// concurrent use.
type Repository struct {
	be       backend.Backend // as a plain repository would lie; see sealedStore
	store    backend.Backend // as it lies
	config   config
	secrets  secrets   // of an encrypted one
	key      chunk.ID  // that opened it
	envelope *envelope // nil: plain
	hasher   *chunk.Hasher
	reader   readAhead
	audit    auditTail

	packTarget int // the constants, but for tests
	sealAfter  int
	clock      func() time.Time // time.Now, but for tests

	refreshing sync.Mutex // held by who changes what is known of the store
	recent     recentMisses

	mu    sync.RWMutex
	known *known
	marks map[string][]chunk.ID // that were read, by file
}

// known is what is known of the store.
type known struct {
	index      *index.Index
	indexFiles map[string]bool
	roots      map[string]*root
	points     map[chunk.ID]bool     // packs that are point packs
	notes      map[string]Annotation // by file
	damaged    map[string]error      // by file; of those of snapshots see root
}

func newKnown() *known {
	return &known{
		index: new(index.Index), indexFiles: map[string]bool{}, roots: map[string]*root{},
		points: map[chunk.ID]bool{}, notes: map[string]Annotation{}, damaged: map[string]error{},
	}
}

// root is a file of roots/ or lists/.
type root struct {
	info      backend.Info
	read      bool       // records are there, or it is known why not
	snapshots []Snapshot // one, but in point packs and lists
	damaged   error      // nil: nothing is known to be wrong with it
}

// Open opens a repository. The backend belongs to the Repository when there
// is no error. ErrNoRepository when there is none, ErrFormat (a FormatError)
// when this program does not know its format. A damaged index file or snapshot
// does not keep it from opening: see Damaged. ErrWrongKey when it is encrypted:
// see OpenWith.
func Open(ctx context.Context, be backend.Backend) (*Repository, error) {
	return OpenWith(ctx, be, OpenOptions{})
}

// OpenOptions say how to open a repository; the zero value serves for one that
// is not encrypted.
type OpenOptions struct {
	// Unlock gives what opens the repository. It is called, once, where that
	// is encrypted, and its error is returned as it is.
	Unlock func(ctx context.Context) (Credential, error)
}

// OpenWith is Open for any repository. ErrWrongKey when the credential does not
// open it.
func OpenWith(ctx context.Context, be backend.Backend, o OpenOptions) (*Repository, error) {
	b, err := loadConfig(ctx, be)
	if errors.Is(err, backend.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", be.Location(), ErrNoRepository)
	}
	if err != nil {
		return nil, err
	}
	c, err := decodeConfig(be.Location(), b)
	if errors.Is(err, ErrFormat) {
		return nil, err
	}
	if err != nil {
		return nil, &DamagedFileError{configName, err}
	}
	r := &Repository{be: be, store: be, config: c, hasher: chunk.Plain(), packTarget: packTarget, sealAfter: sealAfter, clock: time.Now, known: newKnown()}
	if c.Envelope != "" {
		var credential Credential
		if o.Unlock != nil {
			if credential, err = o.Unlock(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.unlock(ctx, credential); err != nil {
			return nil, err
		}
	}
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// ID is the repository's own id, 32 hexadecimal digits.
func (r *Repository) ID() string { return r.config.ID }

// Location names the store in messages; it holds no secret.
func (r *Repository) Location() string { return r.be.Location() }

// Close closes the backend. No call may be under way, and none may follow.
func (r *Repository) Close() error { return r.be.Close() }

// Hasher makes this repository's ids and cuts.
func (r *Repository) Hasher() *chunk.Hasher { return r.hasher }

// Has reports whether a chunk is stored and an index names it.
func (r *Repository) Has(id chunk.ID) bool { return r.index().Has(id) }

func (r *Repository) index() *index.Index {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.known.index
}

// packName gives the file of a pack.
func (r *Repository) packName(pack chunk.ID) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.known.points[pack] {
		return pointFile(pack)
	}
	return packFile(pack)
}

// Damaged lists files that were found damaged, as DamagedFileErrors ordered by
// name: index files and point packs, whose chunks are missing now, and
// snapshots, once Snapshots has read them. Nothing may be deleted while there
// is one: what it needs is not known.
func (r *Repository) Damaged() []error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	damaged := maps.Clone(r.known.damaged)
	for name, f := range r.known.roots {
		if f.damaged != nil {
			damaged[name] = f.damaged
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(damaged)) {
		errs = append(errs, &DamagedFileError{name, damaged[name]})
	}
	return errs
}
