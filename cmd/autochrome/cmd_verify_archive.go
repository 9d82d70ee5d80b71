package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"autochrome/restore/archive"
)

func verifyArchiveCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "verify", Usage: "check every sum and every count of an archive, without a repository", ArgsUsage: "FILE",
		Description: "- is standard input; a folder is one of export --format parquet. Damage is named by the files in it, and the exit code is 3. A\n" +
			"FILE.sha256 beside it is checked too. (A snapshot in a repository: snapshot verify ID.)",
		Flags:  []cli.Flag{decryptFlag()},
		Action: p.action(verifyArchive),
	}
}

// verifiedArchive is what verify --json prints.
type verifiedArchive struct {
	File       string           `json:"file"`
	SnapshotID string           `json:"snapshot_id,omitempty"`
	Files      int              `json:"files"` // that were read
	Records    int64            `json:"records"`
	Sums       bool             `json:"sha256sums"` // there is a SHA256SUMS in it
	Beside     bool             `json:"sum_beside"` // there is a FILE.sha256
	Damage     []damagedArchive `json:"damage"`
	Duration   int64            `json:"duration_ms"`
	Status     string           `json:"status"` // ok or damaged
}

type damagedArchive struct {
	File  string `json:"file"` // in the archive
	Error string `json:"error"`
}

func verifyArchive(ctx context.Context, s *session) error {
	args, err := s.args(0, "FILE")
	if err != nil {
		return err
	}
	path := args[0]
	identities, err := s.identities()
	if err != nil {
		return err
	}
	c, beside, wrong, err := s.verifyFile(ctx, path, identities)
	if err != nil {
		return err
	}
	if wrong != nil {
		c.Damage = append(c.Damage, wrong)
	}
	v := verifiedArchive{File: path, Files: c.Files, Records: c.Records, Sums: c.Sums, Beside: beside, Damage: []damagedArchive{}, Duration: s.millis(), Status: "ok"}
	if c.Manifest != nil {
		v.SnapshotID = c.Manifest.SnapshotID
	}
	for _, d := range c.Damage {
		v.Status = "damaged"
		v.Damage = append(v.Damage, damagedArchive{d.File, d.Err.Error()})
	}
	if err := s.printVerifiedArchive(v, c); err != nil {
		return err
	}
	if n := len(c.Damage); n > 0 {
		return unfinished("get it again from where it came from; a snapshot that a repository still has can be exported again, with the same bytes",
			"%s is damaged: %s", path, c.Damage[0])
	}
	return nil
}

// verifyFile checks an archive, and the sum beside it; wrong is what is not right
// with that.
func (s *session) verifyFile(ctx context.Context, path string, identities archive.Identities) (c archive.Checked, beside bool, wrong *archive.FileError, err error) {
	if archive.IsFolder(path) {
		c, err = archive.VerifyFolder(ctx, path)
		return c, false, nil, err
	}
	in, err := s.openArchive(path)
	if err != nil {
		return c, false, nil, err
	}
	defer in.Close()
	if beside, wrong, err = sumBeside(ctx, path); err != nil {
		return c, false, nil, err
	}
	c, err = archive.Verify(ctx, in, identities)
	return c, beside, wrong, err
}

func (s *session) printVerifiedArchive(v verifiedArchive, c archive.Checked) error {
	if s.json {
		return s.printJSON(v)
	}
	for _, d := range c.Damage {
		if err := s.print("damaged: %s", printable(d.Error())); err != nil {
			return err
		}
	}
	if len(c.Damage) > 0 {
		return nil
	}
	if !c.Sums {
		s.warn("there is no SHA256SUMS in it: only what its manifest says was checked")
	}
	if s.quiet {
		return nil
	}
	return s.print("%s is whole: %s of %s in %s, each as its sum says, in %s", v.File, plural(v.Records, "record"), v.SnapshotID, plural(v.Files, "file"), took(s.begun))
}
