package repo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"autochrome/chunk"
)

const (
	// maxName bounds a snapshot's or source's name, in bytes: it is typed and
	// stands in one line of a list.
	maxName = 200
	// maxTags bounds the tags of a snapshot.
	maxTags = 100
)

// validate says what a record must not say.
func (s Snapshot) validate() error {
	switch s.Kind {
	case KindSnapshot, KindPreRollback, KindPoint, KindImported:
	default:
		return fmt.Errorf("unknown kind %q", s.Kind)
	}
	if err := validCapture(s.Capture); err != nil {
		return err
	}
	if s.Format != snapshotVersion {
		return fmt.Errorf("format %d", s.Format)
	}
	if err := validTime(s.Time); err != nil {
		return err
	}
	if err := validNonce(s.Nonce); err != nil {
		return err
	}
	if s.Name != "" {
		if err := ValidName(s.Name); err != nil {
			return err
		}
	}
	if err := ValidSource(s.Source); err != nil {
		return err
	}
	if s.Parent != nil && s.Parent.IsZero() {
		return errors.New("its parent is the zero id")
	}
	if s.CopiedFrom != nil && s.CopiedFrom.IsZero() {
		return errors.New("it is a copy of the zero id")
	}
	if s.Scope.Collections != nil && len(s.Scope.Collections) == 0 {
		return errors.New("a scope of no collection; nil means all")
	}
	if len(s.Tags) > maxTags {
		return fmt.Errorf("%d tags, %d are allowed", len(s.Tags), maxTags)
	}
	for tag := range s.Tags {
		if err := ValidTag(tag); err != nil {
			return err
		}
	}
	return errors.Join(validRoot(s.Root), s.validFigures())
}

func (s Snapshot) validFigures() error {
	for _, c := range s.Collections {
		if min(c.Records, c.Damaged) < 0 || max(c.Records, c.Damaged) > chunk.MaxRecords {
			return fmt.Errorf("collection %q has a number of records that is not valid", c.Name)
		}
		if c.Capture != "" {
			if err := validCapture(c.Capture); err != nil {
				return err
			}
		}
	}
	if n := len(s.Damage.First); n > MaxDamageNamed || int64(n) > s.Damage.Total {
		return fmt.Errorf("%d damaged records named of %d", n, s.Damage.Total)
	}
	st := s.Stats
	if min(st.BytesRead, st.BytesStored, st.ChunksStored, st.Millis) < 0 {
		return errors.New("a negative figure")
	}
	return nil
}

func validRoot(r chunk.Root) error {
	if r.Logical.IsZero() || r.Collections < 0 || r.Records < 0 || r.Records > chunk.MaxRecords {
		return errors.New("its root is not valid")
	}
	for _, run := range r.Runs {
		if run.Chunk.IsZero() || run.First < 0 || run.Count <= 0 || run.Count > chunk.MaxRows-run.First {
			return errors.New("its root has a run that is not valid")
		}
	}
	return nil
}

func validCapture(c Capture) error {
	switch c {
	case CaptureStill, CaptureIDsStable, CaptureMoving:
		return nil
	}
	return fmt.Errorf("unknown capture %q", c)
}

func validNonce(s string) error {
	if b, err := hex.DecodeString(s); err != nil || len(b) != nonceBytes || hex.EncodeToString(b) != s {
		return errors.New("its nonce is not valid")
	}
	return nil
}

func validTime(t time.Time) error {
	if t.IsZero() || t.Year() < 1970 || t.Year() > 9999 || t.Location() != time.UTC || t.Nanosecond()%int(time.Millisecond) != 0 {
		return fmt.Errorf("time %v is not of whole milliseconds in UTC", t)
	}
	return nil
}

// ValidName says why a user may not give a snapshot this name: it must fit on
// a line and not look like what the program itself names snapshots.
func ValidName(name string) error {
	if err := validText("name", name, maxName); err != nil {
		return err
	}
	if name == wordLatest || strings.HasPrefix(name, displayPrefix) {
		return invalid("name %q: it is kept for the program's own names; choose another", name)
	}
	return nil
}

// validText is true of a text of one line that is not empty.
func validText(what, s string, limit int) error {
	switch {
	case s == "":
		return invalid("%s: it is empty", what)
	case len(s) > limit:
		return invalid("%s: %d bytes, %d are allowed", what, len(s), limit)
	case !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return invalid("%s %q: it must be printable text without spaces around it", what, s)
	}
	return nil
}

// ValidSource says why a source may not have this name.
func ValidSource(name string) error { return validText("source", name, maxName) }

// ValidTag says why a tag may not have this name.
func ValidTag(name string) error { return validText("tag", name, maxName) }
