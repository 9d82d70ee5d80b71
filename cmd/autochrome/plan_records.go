package main

import (
	"bufio"
	"io"

	"autochrome/restore"
)

// planRecords lists the records of a plan: where nothing else is the result
// (--dry-run, --json) on stdout, else with the question on stderr.
type planRecords struct {
	record func(restore.RecordDiff) error // nil: they are not listed
	out    *bufio.Writer
	text   *recordText // nil: as JSON
}

func (s *session) planRecords(bar *progress) *planRecords {
	if !s.flags.Bool("records") {
		return &planRecords{}
	}
	var out io.Writer = s.err
	if s.json || s.flags.Bool("dry-run") {
		out = s.out
	}
	l := &planRecords{out: bufio.NewWriterSize(out, 64<<10)}
	if !s.json {
		l.text = &recordText{out: l.out}
	}
	l.record = func(x restore.RecordDiff) error {
		bar.end()
		if s.json {
			return writeJSON(l.out, recordJSON(x))
		}
		return l.text.record(x)
	}
	return l
}

// end prints what is still to be printed.
func (l *planRecords) end() error {
	if l.out == nil {
		return nil
	}
	if l.text != nil && l.text.within != "" {
		l.text.line("")
		l.text.within = ""
	}
	return l.out.Flush()
}

// summary is the type of the result behind records; "": there are none.
func (s *session) summary() string {
	if s.flags.Bool("records") {
		return "summary"
	}
	return ""
}
