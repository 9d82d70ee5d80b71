package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/filter"
)

// partFlags say what of a snapshot is brought back, where that is not all.
func partFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "ids", Usage: "only these records, with commas between"},
		&cli.StringFlag{Name: "ids-from", Usage: "only the records whose ids stand in this file, or - for standard input, one on each line"},
		&cli.StringFlag{Name: "where", Usage: "only records with such metadata in the snapshot, in Chroma's filter language: '{\"lang\":\"en\"}'"},
		&cli.StringFlag{Name: "where-document", Usage: "only records with such a document in the snapshot: '{\"$contains\":\"words\"}'"},
		&cli.StringSliceFlag{Name: "only", Usage: "only these columns of records that are there: metadatas, documents, uris, embeddings"},
	}
}

// maxIDs bounds the bytes of a file of ids.
const maxIDs = 1 << 30

// part reads the flags; nil: all records, all columns.
func (s *session) part() (ids []string, only []chunk.Kind, err error) {
	if s.flags.IsSet("ids") {
		if ids, err = split("ids", s.flags.StringSlice("ids")); err != nil {
			return nil, nil, err
		}
	}
	if from := s.flags.String("ids-from"); s.flags.IsSet("ids-from") {
		more, err := s.idsFrom(from)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, more...)
	}
	if s.flags.IsSet("only") {
		names, err := split("only", s.flags.StringSlice("only"))
		if err != nil {
			return nil, nil, err
		}
		for _, name := range names {
			k, ok := columnNamed(name)
			if !ok {
				return nil, nil, usage("there are: metadatas, documents, uris, embeddings", "--only %s: no such column", name)
			}
			only = append(only, k)
		}
	}
	return ids, only, nil
}

// chosenCollections reads the names of collections, by either flag; nil: all.
func (s *session) chosenCollections() ([]string, error) {
	const other = "failed-collections" // what earlier scripts call them
	if s.flags.IsSet(other) {
		if s.flags.IsSet("collections") {
			return nil, usage("give the names with one of them", "--collections and --%s say the same", other)
		}
		return split(other, s.flags.StringSlice(other))
	}
	if s.flags.Bool("partial") && !s.flags.IsSet("collections") {
		return nil, usage("add them: --partial --failed-collections a,b; or without --partial: --collections a,b", "--partial does not say which collections")
	}
	return split("collections", s.flags.StringSlice("collections"))
}

// where reads the filters; nil: there are none.
func (s *session) where() (*filter.Filter, error) {
	for _, flag := range []string{"where", "where-document"} {
		if s.flags.IsSet(flag) && s.flags.String(flag) == "" {
			return nil, usage("leave it out to select all records", "--%s is empty", flag)
		}
	}
	return filters(s.flags.String("where"), s.flags.String("where-document"))
}

// filters reads both; "": there is none.
func filters(where, whereDocument string) (*filter.Filter, error) {
	var both *filter.Filter
	for _, f := range []struct {
		flag, text string
		read       func([]byte) (*filter.Filter, error)
	}{{"where", where, filter.Where}, {"where-document", whereDocument, filter.WhereDocument}} {
		if f.text == "" {
			continue
		}
		one, err := f.read([]byte(f.text))
		if err != nil {
			return nil, usage("as in --where '{\"lang\":\"en\"}', --where '{\"n\":{\"$gte\":3}}', --where-document '{\"$contains\":\"words\"}'", "--%s: %v", f.flag, err)
		}
		both = filter.And(both, one)
	}
	return both, nil
}

// columnNamed knows columns by the plural and the singular.
func columnNamed(name string) (chunk.Kind, bool) {
	if name == "metadata" {
		return chunk.Metadatas, true
	}
	for _, k := range chunk.Columns[1:] {
		if name == k.String() || name+"s" == k.String() {
			return k, true
		}
	}
	return 0, false
}

// idsFrom reads ids from a file, one on each line. A line that is a JSON string
// means what that says, since an id may have line ends in it.
func (s *session) idsFrom(file string) (ids []string, err error) {
	var in io.Reader = s.in
	if file == "-" {
		if !s.flags.Bool("dry-run") && !s.flags.Bool("yes") {
			return nil, usage("use --yes to go on without a question, or --dry-run to see the plan", "--ids-from - leaves no input to answer a question with")
		}
	} else {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usage("name a file with an id on each line, or - for standard input", "--ids-from %s: there is no such file", file)
		}
		if err != nil {
			return nil, usage("", "--ids-from: %v", err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(io.LimitReader(in, maxIDs))
	lines.Buffer(nil, maxIDs)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			continue
		}
		if len(line) > 1 && line[0] == '"' && line[len(line)-1] == '"' {
			if err := json.Unmarshal([]byte(line), &line); err != nil {
				return nil, usage("write an id that is in quotes as JSON", "--ids-from %s, line %d: %v", file, n, err)
			}
		}
		ids = append(ids, line)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--ids-from %s: %w", file, err)
	}
	if len(ids) == 0 {
		return nil, usage("name a file with an id on each line", "--ids-from %s: there is no id in it", file)
	}
	return ids, nil
}
