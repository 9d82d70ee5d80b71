package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
)

func objectCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "object", Usage: "print what a file of the repository says, or a chunk", ArgsUsage: "KIND [NAME]",
		Description: "KIND is config, snapshot, pack, index, note, mark, audit, key or chunk. NAME is a\n" +
			"file's name or a part of it that only one has; without it the names are listed. A chunk\n" +
			"is named by its whole id, and printed as its rows; --raw prints its canonical bytes.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "raw", Usage: "a chunk's canonical bytes"}},
		Action: p.action(object),
	}
}

func object(ctx context.Context, s *session) error {
	args, err := s.args(1, "KIND", "NAME")
	if err != nil {
		return err
	}
	kind, name := args[0], args[1]
	if kind != "chunk" && !slices.Contains(repo.ObjectKinds, kind) {
		return usage("there are: "+strings.Join(repo.ObjectKinds, ", ")+", chunk", "%q is no kind of object", kind)
	}
	if s.flags.Bool("raw") && kind != "chunk" {
		return usage("", "--raw is for chunks")
	}
	id, err := chunk.ParseID(name)
	if kind == "chunk" && err != nil {
		return usage("the directories of packs name them: autochrome object pack NAME", "%q is no chunk's id", name)
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		if kind == "chunk" {
			return s.printChunk(ctx, r, id)
		}
		files, err := r.Objects(ctx, kind)
		if err != nil {
			return err
		}
		if name == "" && kind != "config" {
			return s.printObjects(files)
		}
		found := slices.DeleteFunc(files, func(f backend.Info) bool { return !strings.Contains(f.Name, name) })
		if len(found) != 1 {
			return &hintedError{fmt.Errorf("%s with %q in its name: there are %d", kind, name, len(found)), "see: autochrome object " + kind}
		}
		v, err := r.Object(ctx, kind, found[0])
		if err != nil {
			return err
		}
		return s.printJSON(v)
	})
}

func (s *session) printObjects(files []backend.Info) error {
	if s.json {
		names := []string{}
		for _, f := range files {
			names = append(names, f.Name)
		}
		return s.printJSON(struct {
			Names []string `json:"names"`
		}{names})
	}
	for _, f := range files {
		if err := s.print("%s", f.Name); err != nil {
			return err
		}
	}
	return nil
}

// printChunk prints a chunk's rows as JSON: texts as texts, embeddings and
// metadata as cat prints them, entries of trees as what they refer to.
func (s *session) printChunk(ctx context.Context, r *repo.Repository, id chunk.ID) error {
	b, err := r.Load(ctx, id)
	if err != nil {
		return err
	}
	if s.flags.Bool("raw") {
		_, err := s.out.Write(b)
		return err
	}
	if chunk.Kind(b[0]) == chunk.Description {
		d, err := chunk.DecodeDescription(b)
		if err != nil {
			return err
		}
		return s.printJSON(struct {
			Kind          string          `json:"kind"`
			Dimension     int             `json:"dimension"`
			Metadata      json.RawMessage `json:"metadata"`
			Configuration json.RawMessage `json:"configuration,omitempty"`
			Schema        json.RawMessage `json:"schema,omitempty"`
		}{chunk.Description.String(), d.Dimension, chunk.AppendMetadataJSON(nil, d.Metadata), d.Configuration, d.Schema})
	}
	rows, err := chunk.DecodeRows(b)
	if err != nil {
		return err
	}
	out := []any{}
	for i := range rows.Len() {
		v, err := rowValue(rows, i)
		if err != nil {
			return err
		}
		out = append(out, v)
	}
	return s.printJSON(struct {
		Kind string `json:"kind"`
		Rows []any  `json:"rows"`
	}{rows.Kind().String(), out})
}

// reference is what an entry of a tree refers to.
type reference struct {
	Kind  string   `json:"kind"`
	Chunk chunk.ID `json:"chunk"`
	First int      `json:"first"`
	Count int      `json:"count"`
}

func rowValue(rows *chunk.Rows, i int) (any, error) {
	row, present := rows.Row(i)
	switch kind := rows.Kind(); {
	case !present:
		return nil, nil
	case kind == chunk.Metadatas:
		m, err := chunk.DecodeMetadata(row)
		return json.RawMessage(chunk.AppendMetadataJSON(nil, m)), err
	case kind == chunk.Embeddings:
		recs := chunk.Records{}
		for j, k := range chunk.Columns {
			recs.Columns[j] = chunk.NewRows(k, 0)
			recs.Columns[j].AppendAbsent()
		}
		recs.Columns[chunk.IDs.Column()] = chunk.NewRows(chunk.IDs, 0)
		recs.Columns[chunk.IDs.Column()].AppendString("-")
		one := chunk.NewRows(kind, rows.Dim())
		one.AppendRows(rows, i, 1)
		recs.Columns[kind.Column()] = one
		rec, err := recs.Record(0)
		return json.RawMessage(chunk.AppendEmbeddingJSON(nil, rec)), err
	case kind.IsColumn():
		return string(row), nil
	default:
		refs := []reference{}
		err := chunk.References(kind, row, func(k chunk.Kind, run chunk.Run, _ bool) error {
			refs = append(refs, reference{k.String(), run.Chunk, run.First, run.Count})
			return nil
		})
		return refs, err
	}
}
