package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"autochrome/repo"
	"autochrome/restore/archive"
)

func exportCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write a snapshot as one file that anybody can check and read", ArgsUsage: "ID -o FILE.tar.gz",
		Description: "A tar.gz with the records as JSON, a manifest and SHA256SUMS. The same snapshot gives\n" +
			"the same bytes on every machine. Its own SHA-256 is printed, and written to FILE.sha256.\n" +
			"It comes back with: autochrome import FILE. With --format parquet it is a folder that DuckDB,\n" +
			"pandas and vector-io read; or a FILE.parquet, where it is of one collection.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write, or - for standard output"},
			&cli.StringSliceFlag{Name: "collections", Aliases: []string{"c"}, Usage: "only these, with commas between"},
			&cli.IntFlag{Name: "batch-size", Value: archive.DefaultBatch, Usage: "records in a file; other sizes make other bytes"},
			&cli.StringSliceFlag{Name: "encrypt-to", Usage: "age `recipient` (age1…) that alone can read it; may be given several times. Such an archive is different each time"},
			&cli.StringFlag{Name: "format", Value: "tar", Usage: "tar; parquet: tables, in a folder or, of one collection, a file; or jsonl: a record on each line and nothing else"},
			&cli.StringFlag{Name: "layout", Value: "file", Usage: "file; or dir: -o names a folder, which gets snapshots/, manifests/ and logs/"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "write over FILE, should it be there"},
			sourceFlag(),
		},
		Action: p.action(export),
	}
}

// The formats of export.
const (
	formatTar     = "tar"
	formatLines   = "jsonl"
	formatParquet = "parquet"

	tableEnding = ".parquet"
)

// exportJSON is what export --json prints.
type exportJSON struct {
	SnapshotID  string `json:"snapshot_id"`
	File        string `json:"file"`
	SHA256      string `json:"sha256"`
	Bytes       int64  `json:"bytes"`
	Content     int64  `json:"content_bytes"` // of the files about collections in it
	Collections int    `json:"collections"`
	Records     int64  `json:"records"`
	Batches     int    `json:"batches"` // files of records in it
	Encrypted   bool   `json:"encrypted"`
	Duration    int64  `json:"duration_ms"`
}

func export(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	o, err := s.exportOptions()
	if err != nil {
		return err
	}
	path, force := s.flags.String("output"), s.flags.Bool("force")
	format, dir := s.flags.String("format"), s.flags.String("layout") == layoutDir
	folder := format == formatParquet && path != "-" && !strings.HasSuffix(path, tableEnding)
	switch {
	case format != formatTar && format != formatLines && format != formatParquet:
		return usage("tar, parquet or jsonl", "--format %s: there is no such format", format)
	case format != formatTar && (dir || len(o.Recipients) > 0):
		return usage("leave out one of them, or pack it as you like", "--format %s is plain files: neither --layout dir nor --encrypt-to", format)
	case format != formatTar && s.flags.IsSet("batch-size"):
		return usage("leave it out", "--format %s has no batches: --batch-size means nothing", format)
	case !dir && s.flags.String("layout") != layoutFile:
		return usage("file or dir", "--layout %s: there is no such layout", s.flags.String("layout"))
	case path == "":
		return usage("for example -o snapshot.tar.gz, or -o - for standard output", "%s needs -o FILE", s.flags.Command.HelpName)
	case dir && path == "-":
		return usage("name the folder with -o", "--layout dir makes several files")
	case dir: // they have the snapshot's name
	case path == "-":
		if f, ok := s.out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
			return usage("name a file, or send it on: autochrome export ID -o - | …", "an archive is nothing for a terminal")
		}
	case folder:
		if err := freeFolder(force, path); err != nil {
			return err
		}
	default:
		if err := folderFor(path); err != nil {
			return err
		}
		if err := freeToWrite(force, path, path+sumSuffix); err != nil {
			return err
		}
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		bar := newProgress(s.console)
		defer bar.end()
		o.Progress = func(collection string, done, total int64) { bar.show("export "+collection, int(done), int(total)) }
		var w archive.Written
		one := map[string]func(context.Context, *repo.Repository, repo.Snapshot, io.Writer, archive.Options) (archive.Written, error){
			formatTar: archive.Export, formatLines: archive.ExportLines, formatParquet: archive.ExportTable,
		}[format]
		write := func(to io.Writer) (err error) {
			w, err = one(ctx, r, snap, to, o)
			return err
		}
		sum := func() string { return w.SHA256 }
		switch {
		case dir:
			path, err = s.exportFolder(path, archive.NameOf(snap), force, write, &w)
		case folder:
			err = wholeFolder(path, func(folder string) (err error) {
				w, err = archive.ExportFolder(ctx, r, snap, folder, o)
				return err
			})
			path = filepath.Join(path, "SHA256SUMS")
		case path == "-":
			err = write(s.out)
		default:
			err = s.exportFile(path, write, sum)
		}
		if errors.Is(err, archive.ErrManyCollections) {
			return usage("choose one with --collections, or name a folder: -o FOLDER", "-o %s: %v", path, err)
		}
		if err != nil {
			return err
		}
		bar.end()
		return s.printExported(path, w, len(o.Recipients) > 0)
	})
}

func (s *session) exportOptions() (o archive.Options, err error) {
	if o.Collections, err = split("collections", s.flags.StringSlice("collections")); err != nil {
		return o, err
	}
	if o.Batch = s.flags.Int("batch-size"); o.Batch < 1 || o.Batch > archive.MaxBatch {
		return o, usage(fmt.Sprintf("1 to %d", archive.MaxBatch), "--batch-size %d", o.Batch)
	}
	to, err := split("encrypt-to", s.flags.StringSlice("encrypt-to"))
	if err != nil {
		return o, err
	}
	for _, text := range to {
		recipient, err := archive.ParseRecipient(text)
		if err != nil {
			return o, usage("it looks like age1…; age-keygen prints it", "--encrypt-to %s is no age recipient", text)
		}
		o.Recipients = append(o.Recipients, recipient)
	}
	return o, nil
}

// exportFile writes an archive and, beside it, its sum.
func (s *session) exportFile(path string, write func(io.Writer) error, sum func() string) error {
	// A sum of an older archive must not stand beside the new one.
	if err := writeWhole(path, write, path+sumSuffix); err != nil {
		return err
	}
	return writeWhole(path+sumSuffix, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s  %s\n", sum(), filepath.Base(path))
		return err
	})
}

// printExported prints the sum as sha256sum does. Where the archive went to
// standard output it is told on the other one.
func (s *session) printExported(path string, w archive.Written, encrypted bool) error {
	to := s.out
	if path == "-" {
		to = s.err
	}
	m := w.Manifest
	if s.json {
		return writeJSON(to, exportJSON{m.SnapshotID, path, w.SHA256, w.Bytes, w.Content, len(m.Collections), m.TotalChunks, len(m.Batches), encrypted, s.millis()})
	}
	if _, err := fmt.Fprintf(to, "%s  %s\n", w.SHA256, path); err != nil {
		return err
	}
	packed := ""
	if w.Content > w.Bytes {
		packed = size(w.Content) + " of JSON, "
	}
	s.say("%s: %s in %s, %s%s written in %s", m.SnapshotID, plural(m.TotalChunks, "record"),
		plural(len(m.Collections), "collection"), packed, size(w.Bytes), took(s.begun))
	return nil
}
