package archive

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"autochrome/chunk"
)

// Checked is what a look at an archive found.
type Checked struct {
	Manifest *Manifest // nil: it could not be read
	Sums     bool      // there is a SHA256SUMS
	Files    int
	Records  int64
	Damage   []*FileError // by file; none: the archive is whole
}

// Verify reads an archive and checks every sum and every count in it, without a
// repository. What is not right is in the result; an error is one of reading,
// or ErrSealed.
func Verify(ctx context.Context, in io.Reader, identities Identities) (Checked, error) {
	count := &counter{}
	s, err := scan(ctx, in, identities, true, count)
	return checked(s, err, count)
}

// checked gives what was found.
func checked(s *scanned, err error, count *counter) (Checked, error) {
	if bad := new(FileError); errors.As(err, &bad) { // it cannot be opened
		return Checked{Damage: []*FileError{bad}}, nil
	}
	if err != nil {
		return Checked{}, err
	}
	c := Checked{Manifest: s.manifest, Sums: s.hasSums, Files: len(s.files), Records: count.records, Damage: s.problems}
	named := map[string]bool{}
	for _, p := range c.Damage {
		named[p.File] = true
	}
	// What follows from a file that was named is not named again.
	for _, p := range s.check() {
		if !named[p.File] {
			named[p.File] = true
			c.Damage = append(c.Damage, p)
		}
	}
	slices.SortStableFunc(c.Damage, func(a, b *FileError) int { return cmp.Compare(a.File, b.File) })
	return c, nil
}

// counter is a sink that only counts.
type counter struct{ records int64 }

func (c *counter) begin(string, string, chunk.CollectionDescription) error { return nil }

func (c *counter) add(chunk.Record) error {
	c.records++
	return nil
}

func (c *counter) end() error { return nil }
