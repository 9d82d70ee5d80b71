package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"autochrome/chroma"
	"autochrome/chunk"
)

// healthSample is how many records of a collection are read without --full.
const healthSample = 100

// collectionHealthJSON is what was found out about a collection.
type collectionHealthJSON struct {
	Name     string `json:"name"`
	Count    int64  `json:"count"`   // as the server counts
	IDs      int64  `json:"ids"`     // that were listed
	Vectors  int64  `json:"vectors"` // that could be read for those
	Damaged  int64  `json:"damaged"` // records that lack something
	Problem  string `json:"problem,omitempty"`
	Duration int64  `json:"duration_ms"`
}

// collectionHealth reads one collection. What the server cannot do with it is
// its problem; an error is one of the server as a whole, or of ctx. Somebody may
// write meanwhile: only what stays wrong when it is looked at again counts.
func collectionHealth(ctx context.Context, db *chroma.Database, c chunk.Collection, full bool) (collectionHealthJSON, error) {
	x := collectionHealthJSON{Name: c.Name}
	begun := time.Now()
	err := x.read(ctx, db, c, full)
	if err == nil {
		x.Problem = x.judge(full)
		if x.Problem != "" { // a writer may be the reason
			x = collectionHealthJSON{Name: c.Name}
			if err = x.read(ctx, db, c, full); err == nil {
				x.Problem = x.judge(full)
			}
		}
	}
	x.Duration = time.Since(begun).Milliseconds()
	switch {
	case err == nil:
	case ctx.Err() != nil || errors.Is(err, chroma.ErrUnreachable) || errors.Is(err, chroma.ErrRefused):
		return x, err
	case db.Gone(err):
		return collectionHealthJSON{Name: c.Name}, nil // somebody dropped it
	default:
		x.Problem, _ = explain(err)
	}
	return x, nil
}

func (x *collectionHealthJSON) judge(full bool) string {
	switch {
	case full && x.IDs != x.Count:
		return fmt.Sprintf("it counts %d, and lists %s", x.Count, plural(x.IDs, "id"))
	case !full && x.IDs != min(x.Count, healthSample):
		return fmt.Sprintf("it lists %s of the %d asked for", plural(x.IDs, "id"), min(x.Count, healthSample))
	case x.Vectors != x.IDs:
		return fmt.Sprintf("%s cannot be read of %d", plural(x.IDs-x.Vectors, "vector"), x.IDs)
	case x.Damaged > 0:
		return plural(x.Damaged, "record") + " without what every record has"
	}
	return ""
}

// read counts, lists ids and reads their records, with --full all of them.
func (x *collectionHealthJSON) read(ctx context.Context, db *chroma.Database, c chunk.Collection, full bool) error {
	n, err := db.Count(ctx, c.ServerID)
	if err != nil {
		return err
	}
	x.Count = int64(n)
	filter := `{"include":[]}`
	if !full {
		first := 0
		if n > healthSample {
			first = rand.IntN(n - healthSample + 1)
		}
		filter = fmt.Sprintf(`{"include":[],"limit":%d,"offset":%d}`, healthSample, first)
	}
	var ids [][]byte
	err = db.IDsWhere(ctx, c.ServerID, []byte(filter), func(id []byte) error {
		ids = append(ids, bytes.Clone(id))
		return nil
	})
	if err != nil {
		return err
	}
	x.IDs = int64(len(ids))
	records := chunk.NewRecords(c.Description.Dimension)
	for page := range slices.Chunk(ids, chroma.PageSize(c.Description.Dimension)) {
		records.Reset(c.Description.Dimension)
		if err := db.Read(ctx, c.ServerID, page, records); err != nil {
			return err
		}
		x.Vectors += int64(records.Len())
		for i := range records.Len() {
			if records.Damage(i) != "" {
				x.Damaged++
			}
		}
	}
	return nil
}
