package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/restore"
)

func reportFlag() cli.Flag {
	return &cli.StringFlag{Name: "report", Usage: "write what was done and each difference that is left to this file, as JSON"}
}

// reportVersion is that of the file's fields; docs/report.md describes them.
const reportVersion = 1

// report is a file that is written while a restore goes on, and gets its name
// when it is whole. A nil report is none.
type report struct {
	path string
	file *os.File
	out  *bufio.Writer
	n    int // differences
}

// openReport makes sure that the report can be written, before anything is done.
func (s *session) openReport() (*report, error) {
	path := s.flags.String("report")
	switch path {
	case "":
		if s.flags.IsSet("report") {
			return nil, usage(helpHint(s.flags.Command.HelpName), "--report needs the name of a file")
		}
		return nil, nil
	case "-":
		return nil, usage("name a file; --json prints what was done on stdout", "--report - would mix with the result on stdout")
	}
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return nil, usage("name a file", "--report %s is not a file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".autochrome-report-*")
	if err != nil {
		return nil, &hintedError{fmt.Errorf("the report cannot be written: %w", err), "nothing was done; name another place with --report"}
	}
	r := &report{path: path, file: f, out: bufio.NewWriterSize(f, 64<<10)}
	_, err = fmt.Fprintf(r.out, `{"report_version":%d,"named_differences":[`, reportVersion)
	return r, err
}

// reportedJSON is a difference of a collection, and not of a record of it.
type reportedJSON struct {
	Type       string   `json:"type"` // collection
	Collection string   `json:"collection"`
	Op         string   `json:"op"` // missing, described otherwise
	Fields     []string `json:"fields,omitempty"`
}

// differing is the report's restore.Differing.
func (r *report) differing() restore.Differing {
	if r == nil {
		return nil
	}
	return func(d restore.Difference, record *restore.RecordDiff) error {
		var v any = reportedJSON{"collection", d.Collection, d.What, d.Fields}
		if record != nil {
			v = recordJSON(*record)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		between := ",\n"
		if r.n++; r.n == 1 {
			between = "\n"
		}
		_, _ = r.out.WriteString(between)
		_, err = r.out.Write(b)
		return err
	}
}

// reportJSON is what a report has besides the differences: what rollback --json
// prints, and how it came about.
type reportJSON struct {
	rolledBack
	Named      *struct{}   `json:"named_differences,omitempty"` // stands before, with all of them
	Begun      time.Time   `json:"begun"`
	Planned    *time.Time  `json:"planned,omitempty"`
	Written    *time.Time  `json:"written,omitempty"` // when the last write was done
	Snapshot   *ofSnapshot `json:"snapshot"`
	Target     *ofTarget   `json:"target"`
	Command    string      `json:"command"`
	Version    string      `json:"version"`
	Error      string      `json:"error,omitempty"` // why it ended early, or what remains
	Hint       string      `json:"hint,omitempty"`
	ExitStatus int         `json:"exit_code"`
}

// ofSnapshot says which snapshot was restored.
type ofSnapshot struct {
	ID       string       `json:"snapshot_id"`
	Identity string       `json:"identity"`
	Root     string       `json:"root"`
	Time     time.Time    `json:"time"`
	Source   string       `json:"source"`
	Capture  repo.Capture `json:"capture"`
	Records  int64        `json:"records"`
	Version  string       `json:"version"` // of the program that took it
}

// ofTarget says what was written to.
type ofTarget struct {
	URL      string `json:"url"`
	Tenant   string `json:"tenant"`
	Database string `json:"database"`
}

// reportOf fills a report in; err is what the command ends with.
func (s *session) reportOf(rep restore.Report, t *ofTarget, err error, interrupted bool) reportJSON {
	ended := err
	if errors.As(err, new(*unfinishedError)) {
		ended = nil // it is done
	}
	j := reportJSON{
		rolledBack: s.rolledBack(rep, ended), Target: t, Begun: s.begun.UTC(), Command: s.command, Version: build().Version,
		ExitStatus: exitCode(err, interrupted),
	}
	j.Type = ""
	if err != nil {
		j.Error, j.Hint = explain(err)
	}
	if x := rep.Snapshot; !x.ID.IsZero() {
		j.Snapshot = &ofSnapshot{x.DisplayID(), x.ID.String(), x.Root.Logical.String(), x.Time, x.Source, x.Capture, x.Root.Records, x.Version}
	}
	for _, at := range []struct {
		from time.Time
		to   **time.Time
	}{{rep.Planned, &j.Planned}, {rep.Written, &j.Written}} {
		if utc := at.from.UTC(); !at.from.IsZero() {
			*at.to = &utc
		}
	}
	return j
}

// end writes the rest and gives the file its name.
func (r *report) end(rest reportJSON) error {
	if r == nil {
		return nil
	}
	b, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	_, _ = r.out.WriteString("\n],") // Flush gives the error
	_, _ = r.out.Write(bytes.TrimPrefix(b, []byte("{")))
	_ = r.out.WriteByte('\n')
	err = r.out.Flush()
	if err == nil {
		err = r.file.Sync()
	}
	err = errors.Join(err, r.file.Close())
	if err == nil {
		err = os.Rename(r.file.Name(), r.path)
	}
	if err != nil {
		_ = os.Remove(r.file.Name())
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	return nil
}
