package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// CheckOptions say what to look at; the zero value looks at the structure.
type CheckOptions struct {
	Read ReadShare // of the packs, to read to the last byte

	// Found is told of each damaged file, one call at a time; nil: nobody is.
	Found func(Finding)
	// Progress is told how many packs are done; nil: nobody is.
	Progress func(done, all int)
}

// Finding is something about one file.
type Finding struct {
	File   string
	Chunks int    // of a pack that are not what was stored
	Err    error  // what is wrong; nil with a remark
	Remark string // what is worth knowing and no damage

	Unindexed bool // a pack that can be read and that no index names
}

// Checked is what a check found out about files.
type Checked struct {
	Snapshots int       `json:"snapshots"`
	Packs     PackCount `json:"packs"`
	Indexed   int       `json:"chunks"` // places that the index knows
	Read      PackCount `json:"read"`   // packs that were read to the last byte
	ReadTo    uint64    `json:"-"`      // where the next share begins; see ReadShare
	Damaged   int       `json:"damaged_files"`
	// Unread are snapshots whose record is damaged and stands nowhere else.
	Unread  []chunk.ID `json:"unreadable_snapshots,omitempty"`
	Remarks int        `json:"remarks"`

	Health *Health    `json:"-"`
	List   []Snapshot `json:"-"` // whose records can be read, deleted ones too

	marked map[chunk.ID]bool // packs that are to be deleted
}

// Check looks at every file of the repository, but not into trees: with the
// Health that it gives somebody who knows them can say what damage touches. It
// should be given a Repository that was just opened: what was read before is
// not read again. Its error says that the store could not be asked.
func (r *Repository) Check(ctx context.Context, o CheckOptions) (Checked, error) {
	c := &checker{r: r, o: o}
	err := c.run(ctx)
	return c.out, err
}

// Health knows which chunks can be had.
type Health struct {
	r     *Repository
	packs map[chunk.ID]backend.Info // that exist

	mu  sync.Mutex
	bad map[copyOf]struct{}
}

// copyOf is one of a chunk's places.
type copyOf struct{ chunk, pack chunk.ID }

// Chunk says why a chunk cannot be had, as a DamagedError; nil when there is a
// place for it in a file that is not known to be damaged there.
func (h *Health) Chunk(id chunk.ID) error {
	copies := h.r.index().Copies(id)
	if len(copies) == 0 {
		return &DamagedError{Chunk: id, Err: h.r.missing()}
	}
	var first error
	for _, at := range copies {
		err := h.place(id, at)
		if err == nil {
			return nil
		}
		if first == nil {
			first = &DamagedError{Chunk: id, Pack: h.r.packName(at.Pack), Offset: at.Offset, Err: err}
		}
	}
	return first
}

func (h *Health) place(id chunk.ID, at index.Location) error {
	info, ok := h.packs[at.Pack]
	switch {
	case !ok:
		return fmt.Errorf("the pack is %w", ErrMissing)
	case at.Offset < int64(packHeader) || at.Offset+at.Length > info.Size:
		return corrupt("pack: of %d bytes, and the chunk ends at %d", info.Size, at.Offset+at.Length)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, bad := h.bad[copyOf{id, at.Pack}]; bad {
		return corrupt("its bytes are not what was stored")
	}
	return nil
}

func (h *Health) spoil(id, pack chunk.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bad[copyOf{id, pack}] = struct{}{}
}

// checker is a check that is under way.
type checker struct {
	r   *Repository
	o   CheckOptions
	out Checked

	mu     sync.Mutex // guards out and Found
	marked map[chunk.ID]bool
	rows   map[chunk.ID]int // places that the index knows, by pack
}

func (c *checker) found(f Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Err != nil && c.goes(f.File) {
		f.Remark, f.Err = fmt.Sprintf("marked for deletion, and damaged: %v", f.Err), nil
	}
	if f.Err != nil {
		c.out.Damaged++
	} else {
		c.out.Remarks++
	}
	if c.o.Found != nil {
		c.o.Found(f)
	}
}

// goes reports whether a file is a pack that a prune deletes.
func (c *checker) goes(file string) bool {
	id, ok := parsePack(file)
	if !ok {
		id, _, _ = parseRoot(file)
	}
	return c.marked[id]
}

// damage takes an error that tells damage for a finding, and gives any other.
func (c *checker) damage(file string, err error) error {
	if err == nil || !isDamage(err) && !errors.Is(err, ErrDamaged) {
		return err
	}
	c.found(Finding{File: file, Err: err})
	return nil
}

func (c *checker) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		c.config, c.keys, c.marks, c.list, c.names, c.indexes, c.structure, c.read, c.records, c.audits,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) config(ctx context.Context) error {
	b, err := loadConfig(ctx, c.r.store)
	if err != nil {
		return c.damage(configName, err)
	}
	if _, err := decodeConfig(c.r.Location(), b); err != nil {
		c.found(Finding{File: configName, Err: err})
	}
	return nil
}

func (c *checker) keys(ctx context.Context) error {
	keys, err := readKeys(ctx, c.r.store)
	for _, k := range keys {
		if k.damaged != nil {
			c.found(Finding{File: keyName(k.id), Err: k.damaged})
		}
	}
	return err
}

func (c *checker) marks(ctx context.Context) error {
	marks, err := c.r.readMarks(ctx)
	c.marked = map[chunk.ID]bool{}
	c.out.marked = c.marked
	for _, m := range marks {
		if m.err != nil {
			c.found(Finding{File: m.info.Name, Err: m.err})
		}
	}
	c.note(marks)
	return err
}

// note notes which packs are to be deleted.
func (c *checker) note(marks []mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range marks {
		for _, id := range m.packs {
			c.marked[id] = true
		}
	}
}

// isMarked reports whether a pack is to be deleted.
func (c *checker) isMarked(id chunk.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marked[id]
}

// deleted reports whether a pack that went away since it was listed was to be
// deleted, also where somebody has marked it since the marks were read. Points go
// so whenever they are sealed, and the mark may be gone already; what a snapshot
// lacks then shows in its tree.
func (c *checker) deleted(ctx context.Context, id chunk.ID, name string) (bool, error) {
	if _, point, ok := parseRoot(name); c.isMarked(id) || point && ok {
		return true, nil
	}
	marks, err := c.r.readMarks(ctx)
	c.note(marks)
	return c.isMarked(id), err
}

// list finds out which packs there are. A pack that the index names and that is
// not there may have been deleted by a prune since the index was read.
func (c *checker) list(ctx context.Context) error {
	c.out.Health = &Health{r: c.r, bad: map[copyOf]struct{}{}}
	for try := range 2 {
		if try > 0 {
			if err := c.r.Refresh(ctx); err != nil {
				return err
			}
		}
		packs, err := c.r.listPacks(ctx)
		if err != nil {
			return err
		}
		c.out.Health.packs = packs
		if !slices.ContainsFunc(c.r.index().Packs(), func(id chunk.ID) bool { _, ok := packs[id]; return !ok }) {
			break
		}
	}
	for _, info := range c.out.Health.packs {
		c.out.Packs.add(info.Size)
	}
	c.out.Indexed = c.r.index().Len()
	c.rows = map[chunk.ID]int{}
	c.r.index().Each(func(_ chunk.ID, at index.Location) bool { c.rows[at.Pack]++; return true })
	for _, id := range c.r.index().Packs() {
		if _, ok := c.out.Health.packs[id]; !ok && !c.isMarked(id) {
			c.found(Finding{File: c.r.packName(id), Chunks: c.rows[id], Err: fmt.Errorf("%w: the index names it", ErrMissing)})
		}
	}
	return nil
}

// names looks for what is nothing of ours in our folders; strange names in others
// are found where these are read.
func (c *checker) names(ctx context.Context) error {
	strange := func(info backend.Info) error {
		_, pack := parsePack(info.Name)
		if _, key := parseNamed(keysFolder, info.Name); !pack && !key {
			c.found(Finding{File: info.Name, Remark: "nothing of this repository's; it may be removed"})
		}
		return nil
	}
	if err := c.r.store.List(ctx, packsFolder, strange); err != nil {
		return err
	}
	return c.r.store.List(ctx, keysFolder, strange)
}

// indexes reads every index file again and compares it with the index: of two
// files that say something else of a pack only the first counts there.
func (c *checker) indexes(ctx context.Context) error {
	infos, err := c.r.list(ctx, indexFolder)
	if err != nil {
		return err
	}
	return each(ctx, infos, func(ctx context.Context, info backend.Info) error {
		packs, err := c.r.readIndexFile(ctx, info)
		switch {
		case errors.Is(err, backend.ErrNotExist):
			return nil // merged into another
		case err != nil && isDamage(err):
			return nil // records names it
		case err != nil:
			return err
		}
		for _, p := range packs {
			if err := c.compare(p); err != nil {
				c.found(Finding{File: info.Name, Err: err})
				return nil
			}
		}
		return nil
	})
}

// compare holds a pack's directory against the index.
func (c *checker) compare(p index.Pack) error {
	size, known := c.r.index().PackSize(p.ID)
	if !known {
		return nil
	}
	n := 0
	for _, e := range p.Entries {
		if e.Kind == index.Record {
			continue
		}
		n++
		at := index.Location{Pack: p.ID, Kind: e.Kind, Offset: int64(e.Offset), Length: int64(e.Length)}
		if !slices.Contains(c.r.index().Copies(e.ID), at) {
			return corrupt("the index says something else of chunk %v in pack %v than its directory", e.ID, p.ID)
		}
	}
	if size != p.Size || n != c.rows[p.ID] {
		return corrupt("the index has %d chunks in %d bytes of pack %v, and its directory %d in %d", c.rows[p.ID], size, p.ID, n, p.Size)
	}
	return nil
}

// structure reads the directory of every pack.
func (c *checker) structure(ctx context.Context) error {
	ids := slices.Collect(maps.Keys(c.out.Health.packs))
	done := 0
	return each(ctx, ids, func(ctx context.Context, id chunk.ID) error {
		err := c.directory(ctx, id, c.out.Health.packs[id])
		c.mu.Lock()
		defer c.mu.Unlock()
		if done++; c.o.Progress != nil && err == nil {
			c.o.Progress(done, len(ids))
		}
		return err
	})
}

func (c *checker) directory(ctx context.Context, id chunk.ID, info backend.Info) error {
	entries, _, err := readDirectory(ctx, c.r.be, c.r.envelope, info.Name, info.Size)
	if errors.Is(err, backend.ErrNotExist) {
		if deleted, e := c.deleted(ctx, id, info.Name); deleted || e != nil {
			return e
		}
	}
	if err != nil {
		return c.damage(info.Name, err)
	}
	if _, known := c.r.index().PackSize(id); !known {
		if !c.isMarked(id) {
			c.found(Finding{File: info.Name, Chunks: len(entries), Unindexed: true, Remark: "in no index: somebody is writing, was interrupted, or the index is lost"})
		}
		return nil
	}
	return c.damage(info.Name, c.compare(index.Pack{ID: id, Size: info.Size, Entries: entries}))
}

func (c *checker) records(ctx context.Context) (err error) {
	if c.out.List, err = c.r.records(ctx); err != nil {
		return err
	}
	c.out.Snapshots = len(c.out.List)
	if _, err := c.r.Annotations(ctx); err != nil {
		return err
	}
	for _, err := range c.r.Damaged() {
		d := new(DamagedFileError)
		if !errors.As(err, &d) {
			continue
		}
		c.found(Finding{File: d.File, Err: d.Err})
		id, point, ok := parseRoot(d.File)
		if ok && !point && !slices.ContainsFunc(c.out.List, func(s Snapshot) bool { return s.ID == id }) {
			c.out.Unread = append(c.out.Unread, id)
		}
	}
	return nil
}

func (c *checker) audits(ctx context.Context) error {
	problems, err := c.r.VerifyAudit(ctx)
	for _, p := range problems {
		c.found(Finding{File: p.File, Err: errors.New(p.Reason)})
	}
	return err
}
