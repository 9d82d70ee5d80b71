package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"

	"filippo.io/age"

	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// Options say what is written. The zero value writes all of a snapshot.
type Options struct {
	Collections []string        // nil: all
	Batch       int             // records in a file; 0: DefaultBatch
	Recipients  []age.Recipient // who can read it; none: everybody
	Progress    func(collection string, done, total int64)
}

// Written is an archive that was written.
type Written struct {
	Manifest Manifest
	SHA256   string // of the archive
	Bytes    int64  // of the archive
	Content  int64  // of the files about collections in it
}

// NameOf is the id under which an archive knows a snapshot: of a copy it is that
// of the first one that said the same.
func NameOf(s repo.Snapshot) string {
	s.ID = s.Origin()
	return s.DisplayID()
}

// ParseRecipient reads an age recipient, age1….
func ParseRecipient(text string) (age.Recipient, error) { return age.ParseX25519Recipient(text) }

// Export writes a snapshot as an archive, in one pass: what it keeps is a batch,
// the blocks that are being packed, and some 200 bytes for each batch. Without
// recipients the bytes depend on what the snapshot says and the options only:
// not on the repository, whose ids and whose places of rows do not show, nor on
// the machine or the clock. A copy of a snapshot in another repository gives the
// same archive.
func Export(ctx context.Context, r *repo.Repository, s repo.Snapshot, to io.Writer, o Options) (Written, error) {
	e := newExport(r, s, o)
	if e.o.Batch == 0 {
		e.o.Batch = DefaultBatch
	}
	if e.o.Batch < 1 || e.o.Batch > MaxBatch {
		return Written{}, fmt.Errorf("batches of %d records: 1 to %d are possible", o.Batch, MaxBatch)
	}
	collections, err := e.chosen(ctx)
	if err != nil {
		return Written{}, err
	}
	if e.w, err = newWriter(to, s.Time, o.Recipients); err != nil {
		return Written{}, err
	}
	e.put, e.records = e.w.add, e.batches
	err = e.write(ctx, collections, readme)
	if err == nil {
		err = e.end(e.w.flush)
	}
	if e2 := e.w.close(); err == nil {
		err = e2
	}
	return Written{e.m, hex.EncodeToString(e.w.sum.Sum(nil)), e.w.out.n, e.content}, err
}

// export is one Export.
type export struct {
	reader  *tree.Reader
	snap    repo.Snapshot
	o       Options
	w       *writer // of an archive
	m       Manifest
	sums    []byte    // SHA256SUMS
	all     hash.Hash // over its lines about collections
	content int64
	buf     []byte

	put     func(name string, body []byte) (sum string, err error) // writes a file
	records func(ctx context.Context, c tree.Collection, folder string, of hash.Hash) error
}

func newExport(r *repo.Repository, s repo.Snapshot, o Options) *export {
	return &export{reader: tree.NewReader(r), snap: s, o: o, all: sha256.New()}
}

// chosen gives the collections that were asked for, in the snapshot's order.
func (e *export) chosen(ctx context.Context) ([]tree.Collection, error) {
	all, err := e.reader.Collections(ctx, e.snap.Root)
	if err != nil || e.o.Collections == nil {
		return all, err
	}
	for _, name := range e.o.Collections {
		if _, err := snapshot.Find(ctx, e.reader, e.snap, name); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(c tree.Collection) bool { return !slices.Contains(e.o.Collections, c.Name) }), nil
}

// write writes all files but the last ones.
func (e *export) write(ctx context.Context, collections []tree.Collection, readme string) error {
	e.begin(len(collections))
	if err := e.add(readmeName, []byte(readme)); err != nil {
		return err
	}
	for i, c := range collections {
		if err := e.collection(ctx, c, folderName(i+1, c.Name)); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	return nil
}

// begin fills in what is known of the snapshot.
func (e *export) begin(collections int) {
	s := e.snap
	scope := s.Scope.Collections
	if e.o.Collections != nil {
		scope = slices.Compact(slices.Sorted(slices.Values(e.o.Collections)))
	}
	e.m = Manifest{
		Version: manifestVersion, SnapshotID: NameOf(s), Identity: s.Origin().String(), Name: s.Name, Timestamp: s.Time,
		Source: s.Source, Tenant: s.Scope.Tenant, Database: s.Scope.Database, Scope: scope, Capture: s.Capture, Tags: s.Tags,
		Unreadable: s.Unreadable, ChromaURL: s.Server.URL, Collections: []ManifestCollection{}, TotalCollections: collections,
		Status: Created, Batches: []Batch{},
	}
	if v := s.Server.Version; v != "" {
		e.m.ChromaVersion = &v
	}
	if s.Suspect != "" {
		e.m.Error = &s.Suspect
	}
}

// add writes a file about no collection.
func (e *export) add(name string, body []byte) error {
	sum, err := e.put(name, body)
	e.sums = append(e.sums, sumsLine(name, sum)...)
	return err
}

// file writes a file about a collection.
func (e *export) file(name string, body []byte, of hash.Hash) (sum string, err error) {
	sum, err = e.put(name, body)
	e.filed(name, sum, int64(len(body)), of)
	return sum, err
}

// filed notes a file about a collection.
func (e *export) filed(name, sum string, size int64, of hash.Hash) {
	line := sumsLine(name, sum)
	e.sums = append(e.sums, line...)
	_, _ = of.Write([]byte(line))
	_, _ = e.all.Write([]byte(line))
	e.content += size
}

func (e *export) collection(ctx context.Context, c tree.Collection, folder string) error {
	out := ManifestCollection{Folder: folder, Count: c.Top.Count}
	body, err := e.describe(ctx, c, &out)
	if err != nil {
		return err
	}
	of := sha256.New()
	if _, err := e.file(folder+"/"+descriptionName, body, of); err != nil {
		return err
	}
	if err := e.records(ctx, c, folder, of); err != nil {
		return err
	}
	sum := hex.EncodeToString(of.Sum(nil))
	out.Checksum = &sum
	e.m.Collections = append(e.m.Collections, out)
	e.m.TotalChunks += out.Count
	return nil
}

// describe fills in what a collection is and gives its collection.json.
func (e *export) describe(ctx context.Context, c tree.Collection, out *ManifestCollection) ([]byte, error) {
	d, err := e.reader.Description(ctx, c)
	if err != nil {
		return nil, err
	}
	out.description = describe(c.Name, d)
	for _, info := range e.snap.Collections {
		if info.Name == c.Name {
			out.Damaged, out.Capture, out.ServerID = info.Damaged, info.Capture, info.ServerID
		}
	}
	file := out.description
	file.Source = e.snap.Source
	return indented(file)
}

// end writes the manifest and the sums. flush gives how many bytes all files until
// then take, packed; nil: nothing is packed.
func (e *export) end(flush func() (int64, error)) error {
	e.m.SizeMB = float64(e.content) / 1e6
	sum := hex.EncodeToString(e.all.Sum(nil))
	e.m.Checksum = &sum
	if flush != nil {
		packed, err := flush()
		if err != nil {
			return err
		}
		if e.content > 0 {
			ratio := math.Round(float64(e.content)/float64(packed)*1e4) / 1e4
			e.m.Ratio = &ratio
		}
	}
	body, err := e.m.Encode()
	if err != nil {
		return err
	}
	if len(body) > maxFile {
		return errors.New("the manifest becomes too large; use larger batches")
	}
	if err := e.add(manifestName, body); err != nil {
		return err
	}
	_, err = e.put(sumsName, e.sums)
	return err
}
