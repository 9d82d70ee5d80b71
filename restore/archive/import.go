package archive

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// TagImported is the tag of a snapshot that was imported: the snapshot id in the
// archive's manifest.
const TagImported = "imported-from"

// tagUntil keeps retention_until of a manifest.
const tagUntil = "retention-until"

// noSums is why a snapshot is suspect that nothing shows to be whole.
const noSums = "imported without SHA256SUMS: nothing shows that it is whole"

// defaultTenant and defaultDatabase are Chroma's own names, for archives that
// name none.
const (
	defaultTenant   = "default_tenant"
	defaultDatabase = "default_database"
)

// ImportOptions say how an archive is imported. The zero value takes all from
// its manifest.
type ImportOptions struct {
	Name       string // "": the one in the manifest
	Source     string // "": likewise
	Tags       map[string]string
	Collection string     // of records as lines that name none
	Identities Identities // nil: none; see ErrSealed
	Command    string
	Version    string // of autochrome
}

// Imported is what an import came to.
type Imported struct {
	Snapshot repo.Snapshot
	There    bool // the repository had it already: nothing was added
	Manifest Manifest
	Sums     bool  // the archive has a SHA256SUMS
	Content  int64 // bytes of the files about collections
	Rounded  int64 // embeddings whose components were no float32 in a table
	Stored   int64 // bytes of all files written
}

// Import makes a snapshot of an archive, or of records as lines of JSON, in one
// pass. What the repository has
// already is referred to. The snapshot is made when every sum and count was
// right; before, it is ErrArchive (mostly a FileError) and nothing is left but
// chunks that prune removes.
func Import(ctx context.Context, r *repo.Repository, in io.Reader, o ImportOptions) (Imported, error) {
	return importing(ctx, r, o, func(b *building, res *Imported) (*scanned, error) { return b.read(in, res) })
}

// importing makes a snapshot of what read gives to the building.
func importing(ctx context.Context, r *repo.Repository, o ImportOptions, read func(*building, *Imported) (*scanned, error)) (Imported, error) {
	begun := time.Now()
	var res Imported
	err := r.Write(ctx, func(w *repo.Writer) error {
		b := &building{ctx: ctx, w: w, o: o}
		var err error
		if b.snapshots, err = r.Snapshots(ctx); err != nil {
			return err
		}
		s, err := read(b, &res)
		if err != nil {
			return err
		}
		res.Manifest, res.Sums = *s.manifest, s.hasSums
		snap, earlier := b.record(s)
		for i := range b.trees {
			b.trees[i].Tenant, b.trees[i].Database = snap.Scope.Tenant, snap.Scope.Database
		}
		if snap.Root, err = snapshot.SaveRoot(ctx, w, b.trees, earlier.Root); err != nil {
			return err
		}
		if res.Snapshot, res.There = b.there(snap); res.There {
			return nil
		}
		snap.Stats.Millis = time.Since(begun).Milliseconds()
		res.Snapshot, err = w.SaveSnapshot(ctx, snap)
		res.Stored = w.Stats().Bytes
		return err
	})
	return res, err
}

// read reads an archive and checks it, or records as lines.
func (b *building) read(in io.Reader, res *Imported) (*scanned, error) {
	unpacked, err := open(in, b.o.Identities)
	if err != nil {
		return nil, err
	}
	defer unpacked.close()
	if unpacked.lines {
		s, content, err := readLines(b.ctx, unpacked, b.o.Collection, b)
		res.Content = content
		return s, err
	}
	s, err := scanFiles(b.ctx, unpacked, false, b)
	if err != nil {
		return nil, err
	}
	return s, s.whole(res)
}

// whole demands that everything was as the manifest and the sums say.
func (s *scanned) whole(res *Imported) error {
	if problems := s.check(); len(problems) > 0 {
		if n := len(problems) - 1; n > 0 {
			return &FileError{problems[0].File, fmt.Errorf("%w; and %d more", problems[0].Err, n)}
		}
		return problems[0]
	}
	for _, f := range s.files {
		if isDescription.MatchString(f.name) || isBatch.MatchString(f.name) {
			res.Content += f.size
		}
	}
	return nil
}

// building is a sink that builds trees.
type building struct {
	ctx       context.Context
	w         *repo.Writer
	o         ImportOptions
	snapshots []repo.Snapshot // of the repository
	trees     []tree.Collection
	builder   *tree.Builder
	recs      *chunk.Records
	dim       int
}

// gathered is how many bytes of records are handed on together.
const gathered = 1 << 20

func (b *building) begin(name, source string, d chunk.CollectionDescription) (err error) {
	c := tree.Collection{Name: name}
	if c.Description, err = tree.SaveDescription(b.ctx, b.w, d); err != nil {
		return err
	}
	if b.o.Source != "" {
		source = b.o.Source
	}
	earlier, err := b.earlier(name, source)
	if err != nil {
		return err
	}
	if b.builder, err = snapshot.BuilderOn(b.ctx, b.w, d.Dimension, earlier); err != nil {
		return err
	}
	b.trees = append(b.trees, c)
	b.dim = d.Dimension
	b.recs = chunk.NewRecords(d.Dimension)
	return nil
}

// earlier is the newest state of a collection of this name, of the same source
// where there is one; a zero Collection: there is none.
func (b *building) earlier(name, source string) (found tree.Collection, err error) {
	reader := tree.NewReader(b.w)
	for _, same := range []bool{true, false} {
		for _, s := range slices.Backward(b.snapshots) {
			if (s.Source == source) != same || !slices.ContainsFunc(s.Collections, func(c repo.CollectionInfo) bool { return c.Name == name }) {
				continue
			}
			cs, err := reader.Collections(b.ctx, s.Root)
			if err != nil {
				continue // what is damaged cannot be referred to
			}
			if i := slices.IndexFunc(cs, func(c tree.Collection) bool { return c.Name == name }); i >= 0 {
				return cs[i], nil
			}
		}
	}
	return found, nil
}

func (b *building) add(r chunk.Record) error {
	b.recs.Append(r)
	if b.recs.Bytes() < gathered {
		return nil
	}
	return b.flush()
}

func (b *building) flush() error {
	err := b.builder.Add(b.ctx, b.recs)
	b.recs.Reset(b.dim)
	return err
}

func (b *building) end() (err error) {
	if err := b.flush(); err != nil {
		return err
	}
	c := &b.trees[len(b.trees)-1]
	c.Height, c.Top, err = b.builder.Finish(b.ctx)
	return err
}

// record fills in the snapshot from the manifest, and gives the newest one of its
// source.
func (b *building) record(s *scanned) (snap, earlier repo.Snapshot) {
	m := s.manifest
	snap = repo.Snapshot{
		Kind: repo.KindImported, Name: b.o.Name, Source: b.o.Source, Time: m.Timestamp.UTC().Truncate(time.Millisecond),
		Scope:   repo.Scope{Tenant: m.Tenant, Database: m.Database, Collections: m.Scope},
		Capture: m.Capture, Server: repo.Server{URL: m.ChromaURL}, Unreadable: m.Unreadable,
		Command: b.o.Command, Version: b.o.Version, Suspect: suspect(s),
	}
	fill := func(to *string, with string) {
		if *to == "" {
			*to = with
		}
	}
	if repo.ValidName(m.Name) == nil {
		fill(&snap.Name, m.Name)
	}
	fill(&snap.Scope.Tenant, defaultTenant)
	fill(&snap.Scope.Database, defaultDatabase)
	fill(&snap.Source, m.Source)
	fill(&snap.Source, snap.Scope.Tenant+"/"+snap.Scope.Database)
	if m.ChromaVersion != nil {
		snap.Server.Version = *m.ChromaVersion
	}
	if snap.Capture == "" {
		snap.Capture = repo.CaptureMoving // nothing is known
	}
	info := map[string]ManifestCollection{}
	for _, c := range m.Collections {
		info[c.Name] = c
	}
	for _, c := range s.collections {
		i := info[c.d.Name]
		snap.Collections = append(snap.Collections, repo.CollectionInfo{
			Name: c.d.Name, ServerID: i.ServerID, Records: c.records, Damaged: c.damaged, Capture: i.Capture,
		})
		snap.Damage.Total += c.damaged
		if m.Version == 0 { // one by hand does not say that nothing else was there
			snap.Scope.Collections = append(snap.Scope.Collections, c.d.Name)
		}
	}
	slices.Sort(snap.Scope.Collections)
	snap.Scope.Collections = slices.Compact(snap.Scope.Collections)
	if len(snap.Scope.Collections) == 0 {
		snap.Scope.Collections = nil
	}
	snap.Tags = b.tags(m)
	for _, x := range slices.Backward(b.snapshots) {
		if x.Source == snap.Source {
			snap.Parent = &x.ID
			return snap, x
		}
	}
	return snap, earlier
}

// tags are those of the manifest and the options, without those by which the
// program itself knows snapshots.
func (b *building) tags(m *Manifest) map[string]string {
	tags := maps.Clone(m.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(repo.OwnTags, k) || repo.ValidTag(k) != nil })
	if m.Until != nil {
		tags[tagUntil] = m.Until.UTC().Format(time.RFC3339)
	}
	maps.Copy(tags, b.o.Tags)
	tags[TagImported] = m.SnapshotID
	return tags
}

// suspect says why an archive makes no good snapshot, or "".
func suspect(s *scanned) string {
	m := s.manifest
	switch {
	case m.Error != nil && *m.Error != "":
		return *m.Error
	case !s.hasSums:
		return noSums
	case m.Status == Failed:
		return "imported: its status is failed"
	}
	return ""
}

// there finds a snapshot that says the same: the one that the archive was
// exported from, or an earlier import of it.
func (b *building) there(s repo.Snapshot) (repo.Snapshot, bool) {
	for _, x := range b.snapshots {
		if x.Source == s.Source && x.Time.Equal(s.Time) && x.Root.Logical == s.Root.Logical && slices.Equal(x.Scope.Collections, s.Scope.Collections) {
			return x, true
		}
	}
	return s, false
}
