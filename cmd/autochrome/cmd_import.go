package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/restore/archive"
)

func importCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "bring an archive into the repository as a snapshot", ArgsUsage: "FILE",
		Description: "gzip, zstd or plain tar, or records as lines of JSON; - is standard input. Also Parquet: a\n" +
			"file, or a folder that export --format parquet or vector-io wrote. Every sum and count is\n" +
			"checked before there is a snapshot, and what the repository has already is not stored\n" +
			"again. It is the latest\n" +
			"only where it was taken after all others of its source. The first one makes the repository.\n" +
			"--series takes a folder of archives, in the order in which they were taken.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "a name to find it by, in place of the archive's"},
			&cli.StringSliceFlag{Name: "tag", Usage: "key=value; may be given several times"},
			&cli.StringFlag{Name: "source", Usage: "name of the database that it is of, in place of the archive's"},
			&cli.StringFlag{Name: "series", Usage: "`folder` of archives, in place of FILE"},
			&cli.StringFlag{Name: "collection", Usage: "`name` of the collection, for records as lines of JSON or in a Parquet file that name none"},
			decryptFlag(),
		},
		Action: p.action(importArchive),
	}
}

// importedJSON is what import --json prints.
type importedJSON struct {
	Type        string `json:"type,omitempty"` // archive, one of a series
	SnapshotID  string `json:"snapshot_id"`
	Identity    string `json:"identity"`
	From        string `json:"imported_from"` // the id in the archive
	File        string `json:"file"`
	There       bool   `json:"there_already"`
	Source      string `json:"source"`
	Collections int    `json:"collections"`
	Records     int64  `json:"records"`
	Suspect     string `json:"suspect,omitempty"`
	Rounded     int64  `json:"embeddings_rounded,omitempty"` // see archive.Imported
	Content     int64  `json:"content_bytes"`                // of the files about collections in the archive
	Stored      int64  `json:"bytes_stored"`
	Duration    int64  `json:"duration_ms"`
}

func importArchive(ctx context.Context, s *session) error {
	o, err := s.importOptions()
	if err != nil {
		return err
	}
	if folder := s.flags.String("series"); folder != "" {
		if _, err := s.args(0); err != nil {
			return err
		}
		return s.importSeries(ctx, folder, o)
	}
	args, err := s.args(0, "FILE")
	if err != nil {
		return err
	}
	if err := s.isThere(args[0]); err != nil { // a repository may be made for it
		return err
	}
	return s.withAnyRepository(ctx, func(r *repo.Repository) error {
		res, err := s.importOne(ctx, r, args[0], o)
		if err != nil {
			return err
		}
		if s.json {
			return s.printJSON(importedOf(args[0], res, s.millis()))
		}
		if s.quiet {
			return s.print("%s", res.Snapshot.DisplayID())
		}
		return s.printImported(args[0], res)
	})
}

func (s *session) importOptions() (o archive.ImportOptions, err error) {
	o = archive.ImportOptions{Collection: s.flags.String("collection"), Command: s.command, Version: build().Version}
	if o.Name, err = s.givenName(); err != nil {
		return o, err
	}
	if o.Source, err = s.givenSource(); err != nil {
		return o, err
	}
	if o.Tags, err = tags(s.flags.StringSlice("tag")); err != nil {
		return o, err
	}
	o.Identities, err = s.identities()
	return o, err
}

// withAnyRepository opens the repository, and makes it where there is none.
func (s *session) withAnyRepository(ctx context.Context, fn func(*repo.Repository) error) error {
	err := s.withRepository(ctx, fn)
	if errors.Is(err, repo.ErrNoRepository) {
		return s.withNewRepository(ctx, fn)
	}
	return err
}

// importOne imports a file, and leaves an audit entry.
func (s *session) importOne(ctx context.Context, r *repo.Repository, path string, o archive.ImportOptions) (res archive.Imported, err error) {
	err = s.audited(ctx, r, "import", func(e *repo.AuditEntry) error {
		if res, err = s.importFrom(ctx, r, path, o); err != nil {
			return err
		}
		e.Snapshot = &res.Snapshot.ID
		e.Counts = map[string]int64{"collections": int64(len(res.Snapshot.Collections)), "records": res.Snapshot.Root.Records,
			"bytes_read": res.Content, "bytes_stored": res.Stored, "damaged": res.Snapshot.Damage.Total}
		return nil
	})
	return res, err
}

func importedOf(path string, res archive.Imported, millis int64) importedJSON {
	x := res.Snapshot
	return importedJSON{"", x.DisplayID(), x.ID.String(), res.Manifest.SnapshotID, path, res.There, x.Source, len(x.Collections),
		x.Root.Records, x.Suspect, res.Rounded, res.Content, res.Stored, millis}
}

func (s *session) printImported(path string, res archive.Imported) error {
	x := res.Snapshot
	if res.There {
		return s.print("%s is there already: %s says the same, nothing was stored", x.DisplayID(), path)
	}
	if res.Rounded > 0 {
		s.warn("%s had components that are no float32: they were rounded, as Chroma would have done", plural(res.Rounded, "embedding"))
	}
	if x.Suspect != "" {
		s.warn("it is suspect, and so never the latest: %s; if this is right: autochrome snapshot accept %s", x.Suspect, x.DisplayID())
	}
	return s.print("%s  %s in %s, of %s; %s read, %s stored, %s", x.DisplayID(), plural(x.Root.Records, "record"),
		plural(len(x.Collections), "collection"), shownTime(x.Time), size(res.Content), size(res.Stored), took(s.begun))
}
