package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"autochrome/chunk"
)

// sink gets what an archive holds, one collection after the other.
type sink interface {
	begin(name, source string, d chunk.CollectionDescription) error
	add(r chunk.Record) error
	end() error
}

// scanned is what was seen of an archive.
type scanned struct {
	manifest    *Manifest
	sums        []byte // SHA256SUMS
	hasSums     bool
	files       []seenFile // in their order
	collections []seenCollection
	problems    []*FileError // where it goes on behind one
	cut         bool         // the tar stream could not be read to its end
}

// seenFile is a file of an archive.
type seenFile struct {
	name        string
	sum         string
	size        int64
	count       int    // records
	first, last string // their ids
	unread      bool   // it was not looked into, since what it is of is damaged
}

// seenCollection is a collection of an archive.
type seenCollection struct {
	folder  string
	d       description
	records int64
	damaged int64
}

// scan reads an archive once. Tolerant: it goes on behind a file that is not
// right, as far as the tar stream can be read, and notes it. The sink's own
// errors are returned as they are.
func scan(ctx context.Context, in io.Reader, identities Identities, tolerant bool, to sink) (*scanned, error) {
	unpacked, err := open(in, identities)
	if err != nil {
		return nil, err
	}
	defer unpacked.close()
	if unpacked.lines {
		return nil, errLines
	}
	return scanFiles(ctx, unpacked, tolerant, to)
}

var errLines = wrong("", "it is records as lines, without a manifest and sums; import takes them")

func scanFiles(ctx context.Context, unpacked io.Reader, tolerant bool, to sink) (*scanned, error) {
	s := &scanner{scanned: &scanned{}, to: to, folders: map[string]bool{}}
	s.tolerant = tolerant
	err := files(ctx, unpacked, func(name string, body []byte) error { return s.noted(s.file(name, body)) })
	if bad := new(FileError); tolerant && errors.As(err, &bad) {
		s.problems, s.cut = append(s.problems, bad), true
		return s.scanned, nil
	}
	if err == nil {
		err = s.endCollection()
	}
	return s.scanned, err
}

// scanner is one scan.
type scanner struct {
	*scanned
	to      sink
	folders map[string]bool // that were begun
	folder  string          // of the collection in hand; "": none
	broken  bool            // what it is could not be read
	ids     map[[16]byte]struct{}

	tolerant bool // it goes on behind what is not right
}

// noted notes what is not right with a file, where it goes on behind that.
func (s *scanner) noted(err error) error {
	if bad := new(FileError); s.tolerant && errors.As(err, &bad) {
		s.problems = append(s.problems, bad)
		return nil
	}
	return err
}

func (s *scanner) file(name string, body []byte) (err error) {
	sum := sha256.Sum256(body)
	s.files = append(s.files, seenFile{name: name, sum: hex.EncodeToString(sum[:]), size: int64(len(body))})
	switch {
	case name == manifestName:
		m, err := parseManifest(body)
		if err != nil {
			return &FileError{name, err}
		}
		s.manifest = &m
	case name == sumsName:
		s.sums, s.hasSums = append([]byte(nil), body...), true
	case name == readmeName || name == vdfName:
	case strings.HasSuffix(name, "/"+descriptionName):
		return s.collection(name, body)
	default:
		return s.batch(name, func(fn func(chunk.Record) error) error { return chunk.DecodeRecordsJSON(body, fn) })
	}
	return nil
}

func (s *scanner) collection(name string, body []byte) error {
	if err := s.endCollection(); err != nil {
		return err
	}
	folder := path.Dir(name)
	if s.folders[folder] {
		return wrong(name, "it stands behind records of its collection")
	}
	s.folders[folder] = true
	s.folder, s.broken = folder, true
	var d description
	if err := json.Unmarshal(body, &d); err != nil {
		return &FileError{name, err}
	}
	says, err := d.read()
	if err != nil {
		return &FileError{name, err}
	}
	for _, c := range s.collections {
		if c.d.Name == d.Name {
			return wrong(name, "collection %q is in the archive twice", d.Name)
		}
	}
	s.collections = append(s.collections, seenCollection{folder: folder, d: d})
	s.broken, s.ids = false, map[[16]byte]struct{}{}
	return s.to.begin(d.Name, d.Source, says)
}

func (s *scanner) endCollection() error {
	open := s.folder != "" && !s.broken
	s.folder = ""
	if !open {
		return nil
	}
	return s.to.end()
}

// batch takes the records of a file, which each calls a function with. Files of a
// collection stand together.
func (s *scanner) batch(name string, each func(func(chunk.Record) error) error) error {
	if folder := path.Dir(name); folder != s.folder {
		if s.folders[folder] {
			return wrong(name, "it stands apart from the files of its collection")
		}
		s.folders[folder] = true // one message is enough
		return wrong(name, "it stands before %s/%s, which must come first", folder, descriptionName)
	}
	f := &s.files[len(s.files)-1]
	if f.unread = s.broken; f.unread {
		return nil
	}
	c := &s.collections[len(s.collections)-1]
	var inSink error
	err := each(func(r chunk.Record) error {
		if err := s.record(c, r); err != nil {
			return err
		}
		if f.count++; f.count == 1 {
			f.first = r.ID
		}
		f.last = r.ID
		inSink = s.to.add(r)
		return inSink
	})
	if inSink != nil {
		return inSink
	}
	if err == nil && f.count == 0 {
		err = errors.New("there is no record in it")
	}
	if err != nil {
		return &FileError{name, err}
	}
	return nil
}

func (s *scanner) record(c *seenCollection, r chunk.Record) error {
	switch dim := c.d.Dimension; {
	case r.Embedding == nil:
	case dim == nil:
		return fmt.Errorf("record %q has an embedding, and its collection no dimension", r.ID)
	case len(r.Embedding) != *dim:
		return fmt.Errorf("record %q has %d dimensions, and its collection %d", r.ID, len(r.Embedding), *dim)
	}
	if r.Embedding == nil || r.Null != nil {
		c.damaged++
	}
	sum := sha256.Sum256([]byte(r.ID))
	key := [16]byte(sum[:16])
	if _, twice := s.ids[key]; twice {
		return fmt.Errorf("record %q is in the collection twice", r.ID)
	}
	s.ids[key] = struct{}{}
	c.records++
	return nil
}
