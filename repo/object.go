package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// ObjectKinds are the kinds of files that Object reads.
var ObjectKinds = []string{"config", "snapshot", "pack", "index", "note", "mark", "audit", "key"}

// Objects lists the files of a kind by their names.
func (r *Repository) Objects(ctx context.Context, kind string) ([]backend.Info, error) {
	folders := map[string]string{
		"config": "", "snapshot": rootsFolder, "pack": packsFolder, "index": indexFolder, "note": notesFolder, "mark": marksFolder, "audit": auditFolder, "key": keysFolder,
	}
	folder, ok := folders[kind]
	switch {
	case !ok:
		return nil, invalid("object %q: there are %s", kind, strings.Join(ObjectKinds, ", "))
	case kind == "snapshot":
		roots, err := r.list(ctx, rootsFolder)
		if err != nil {
			return nil, err
		}
		lists, err := r.list(ctx, listsFolder)
		return append(lists, roots...), err
	case kind == "config":
		return r.listConfig(ctx)
	}
	return r.list(ctx, folder)
}

// Object gives what a file of a kind says, as a value for JSON: for a pack and
// for an index file their directories. A damaged file is a DamagedFileError.
func (r *Repository) Object(ctx context.Context, kind string, info backend.Info) (any, error) {
	v, err := r.object(ctx, kind, info)
	if err != nil && isDamage(err) {
		return nil, &DamagedFileError{info.Name, err}
	}
	return v, err
}

func (r *Repository) object(ctx context.Context, kind string, info backend.Info) (any, error) {
	switch kind {
	case "config":
		return r.config, nil
	case "snapshot":
		if _, list := parseList(info.Name); list {
			return r.readList(ctx, info.Name, info.Size)
		}
		id, point, ok := parseRoot(info.Name)
		if !ok {
			return nil, corrupt("not the name of a snapshot")
		}
		if point {
			_, list, err := r.readPoint(ctx, info)
			return list, err
		}
		return r.readSnapshot(ctx, info.Name, info.Size, id)
	case "index":
		packs, err := r.readIndexFile(ctx, info)
		out := make([]directory, len(packs))
		for i, p := range packs {
			out[i] = directoryOf(p)
		}
		return out, err
	case "pack":
		id, ok := parsePack(info.Name)
		if !ok {
			return nil, corrupt("not the name of a pack")
		}
		file, err := r.loadFile(ctx, info, index.MaxPack)
		if err != nil {
			return nil, err
		}
		if chunk.FileHash(file) != id {
			return nil, corrupt("pack: its name is not the hash of its bytes")
		}
		entries, err := decodePack(r.envelope, file)
		return directoryOf(index.Pack{ID: id, Size: info.Size, Entries: entries}), err
	case "note":
		return r.readAnnotation(ctx, info)
	case "mark":
		m, err := r.readMark(ctx, info)
		return struct {
			Packs []chunk.ID `json:"packs"`
		}{m.packs}, errors.Join(err, m.err)
	case "key":
		return r.keyObject(ctx, info)
	case "audit":
		e, err := r.readAudit(ctx, info)
		if err == nil {
			err = e.damaged
		}
		return e.entry, err
	}
	return nil, fmt.Errorf("%w: object %q", ErrInvalid, kind)
}

// keyObject gives what is known of a key; its secrets are wrapped, and stay so.
func (r *Repository) keyObject(ctx context.Context, info backend.Info) (any, error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if keyName(k.ID) == info.Name {
			return k, k.Damaged
		}
	}
	return nil, corrupt("not the name of a key")
}

// directory is a pack's, for people.
type directory struct {
	Pack    chunk.ID         `json:"pack"`
	Size    int64            `json:"size"`
	Entries []directoryEntry `json:"entries"`
}

type directoryEntry struct {
	ID     chunk.ID `json:"id"`
	Kind   string   `json:"kind"`
	Offset uint32   `json:"offset"`
	Length uint32   `json:"length"`
}

func directoryOf(p index.Pack) directory {
	d := directory{p.ID, p.Size, []directoryEntry{}}
	for _, e := range p.Entries {
		kind := e.Kind.String()
		if e.Kind == index.Record {
			kind = "snapshot"
		}
		d.Entries = append(d.Entries, directoryEntry{e.ID, kind, e.Offset, e.Length})
	}
	return d
}
