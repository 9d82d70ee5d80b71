package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
	"autochrome/restore/archive"
)

// seriesJSON is what import --series --json prints last; a line for each archive
// stands before it.
type seriesJSON struct {
	Type     string           `json:"type"` // summary
	Folder   string           `json:"folder"`
	Imported int              `json:"imported"`
	There    int              `json:"there_already"`
	Failed   []damagedArchive `json:"failed"`
	Archives int64            `json:"archive_bytes"` // of the files that were imported
	Content  int64            `json:"content_bytes"` // of the JSON in them
	Stored   int64            `json:"bytes_stored"`
	Duration int64            `json:"duration_ms"`
}

// inSeries is an archive of a series.
type inSeries struct {
	path string
	time time.Time
	size int64
}

// importSeries imports the archives of a folder in the order in which they were
// taken. One that cannot be imported does not stop the others.
func (s *session) importSeries(ctx context.Context, folder string, o archive.ImportOptions) error {
	sum := seriesJSON{Type: "summary", Folder: folder, Failed: []damagedArchive{}}
	fail := func(path string, err error) {
		message, _ := explain(err)
		sum.Failed = append(sum.Failed, damagedArchive{path, message})
		s.warn("%s", printable(message))
	}
	list, err := series(ctx, folder, o.Identities, fail)
	if err != nil {
		return err
	}
	if len(list)+len(sum.Failed) == 0 {
		return usage("archives are called "+strings.Join(archiveEndings, ", "), "--series %s: there is no archive in it", folder)
	}
	err = s.withAnyRepository(ctx, func(r *repo.Repository) error {
		for _, x := range list {
			begun := time.Now()
			res, err := s.importOne(ctx, r, x.path, o)
			if err != nil && ctx.Err() != nil {
				return err
			}
			if err != nil {
				fail(x.path, err)
				continue
			}
			sum.Archives, sum.Content, sum.Stored = sum.Archives+x.size, sum.Content+res.Content, sum.Stored+res.Stored
			if res.There {
				sum.There++
			} else {
				sum.Imported++
			}
			if err := s.printOfSeries(x, res, time.Since(begun).Milliseconds()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	sum.Duration = s.millis()
	if err := s.printSeries(sum); err != nil {
		return err
	}
	if n := len(sum.Failed); n > 0 {
		return unfinished("see what is wrong with each: autochrome verify FILE", "%s of %d could not be imported, first %s", plural(n, "archive"), n+len(list), sum.Failed[0].Error)
	}
	return nil
}

// series gives the archives of a folder, the one that was taken first first.
func series(ctx context.Context, folder string, identities archive.Identities, fail func(string, error)) (list []inSeries, err error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, usage("", "--series: %v", err)
	}
	for _, f := range files {
		path := filepath.Join(folder, f.Name())
		if !isArchive(f.Name()) || !f.Type().IsRegular() {
			continue
		}
		x, err := timeOf(ctx, path, identities)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			fail(path, err)
			continue
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b inSeries) int { return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.path, b.path)) })
	return list, nil
}

func timeOf(ctx context.Context, path string, identities archive.Identities) (x inSeries, err error) {
	f, err := os.Open(path)
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	i, err := f.Stat()
	if err != nil {
		return x, err
	}
	m, err := archive.ReadManifest(ctx, f, identities)
	if err != nil {
		return x, fmt.Errorf("%s: %w", path, err)
	}
	return inSeries{path, m.Timestamp, i.Size()}, nil
}

func (s *session) printOfSeries(x inSeries, res archive.Imported, millis int64) error {
	switch {
	case s.json:
		i := importedOf(x.path, res, millis)
		i.Type = "archive"
		return s.printJSON(i)
	case s.quiet:
		return s.print("%s", res.Snapshot.DisplayID())
	case res.There:
		return s.print("%s  %s: is there already", res.Snapshot.DisplayID(), x.path)
	}
	if why := res.Snapshot.Suspect; why != "" {
		s.warn("%s is suspect: %s", res.Snapshot.DisplayID(), why)
	}
	return s.print("%s  %s: %s, archive %s, %s stored", res.Snapshot.DisplayID(), x.path, plural(res.Snapshot.Root.Records, "record"), size(x.size), size(res.Stored))
}

// printSeries shows what it saved that records are stored once.
func (s *session) printSeries(sum seriesJSON) error {
	if s.json {
		return s.printJSON(sum)
	}
	if s.quiet || sum.Archives == 0 {
		return nil
	}
	return s.print("%s, %s there already: %s of archives, %s of JSON; %s stored, %.1f %% of the archives", plural(sum.Imported, "snapshot"), fmt.Sprint(sum.There),
		size(sum.Archives), size(sum.Content), size(sum.Stored), 100*float64(sum.Stored)/float64(sum.Archives))
}
