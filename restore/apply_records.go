package restore

import (
	"context"

	"autochrome/chunk"
	"autochrome/tree"
)

// records writes the difference in three passes: deletions, updates, additions.
func (a *applier) records(ctx context.Context, c *CollectionPlan, live chunk.Collection) error {
	b := &batch{applier: a, plan: c, live: live}
	if c.Action == Change {
		b.begin(Deleting, c.Deleted)
		if err := b.pass(ctx, c.delta.Removed, tree.Removed); err != nil {
			return err
		}
		b.begin(Updating, c.Updated)
		if err := b.pass(ctx, c.delta.Present, tree.Changed); err != nil {
			return err
		}
	}
	b.begin(Adding, c.Added)
	return b.pass(ctx, c.delta.Present, tree.Added)
}

// batch collects changes of one stage.
type batch struct {
	*applier
	plan    *CollectionPlan
	live    chunk.Collection
	pending []pending
	bytes   int
	at      Progress
}

// pending is a change that is to be written.
type pending struct {
	chunk.Change
	from    int64          // position in the state before; -1: not there
	columns tree.ColumnSet // those that were asked for; 0: all
}

// startFrom makes have what is there now. Columns that were not asked for stay
// as they are there.
func (p *pending) startFrom(have chunk.Record) {
	p.Have = &have
	if p.Want != nil && p.columns != 0 {
		want := combine(have, *p.Want, p.columns)
		p.Want = &want
	}
}

func (b *batch) begin(s Stage, total int) {
	b.at = Progress{Collection: b.plan.Name, Stage: s, Total: total}
}

// pass writes the differences of one kind that are asked for.
func (b *batch) pass(ctx context.Context, all func(context.Context, func(tree.Difference) error) error, op tree.Op) error {
	err := all(ctx, b.plan.want.part.taking(ctx, toSnapshot, func(x tree.Difference) error {
		if x.Op != op {
			return nil
		}
		p, err := change(ctx, x, b.plan.want.part)
		if err != nil {
			return err
		}
		return b.add(ctx, p)
	}))
	if err != nil {
		return err
	}
	return b.flush(ctx)
}

// change loads both sides of a difference.
func change(ctx context.Context, x tree.Difference, asked *part) (p pending, err error) {
	p.from = x.From
	if x.Op != tree.Removed {
		want, err := x.After(ctx)
		if err != nil {
			return p, err
		}
		p.Want = &want
	}
	if x.Op == tree.Added {
		return p, nil
	}
	have, err := x.Before(ctx)
	if err != nil {
		return p, err
	}
	if asked != nil {
		p.columns = asked.only
	}
	p.startFrom(have)
	return p, nil
}

func kindsOf(s tree.ColumnSet) (kinds []chunk.Kind) {
	for _, k := range chunk.Columns {
		if s.Has(k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// combine is have with some columns of want.
func combine(have, want chunk.Record, columns tree.ColumnSet) chunk.Record {
	if columns.Has(chunk.Embeddings) {
		have.Embedding, have.Null = want.Embedding, want.Null
	}
	if columns.Has(chunk.Documents) {
		have.Document = want.Document
	}
	if columns.Has(chunk.Metadatas) {
		have.Metadata = want.Metadata
	}
	if columns.Has(chunk.URIs) {
		have.URI = want.URI
	}
	return have
}

func (b *batch) add(ctx context.Context, p pending) error {
	b.pending = append(b.pending, p)
	b.bytes += max(size(p.Have), size(p.Want))
	records, bytes := applyRecords, applyBytes
	if b.checked() {
		records, bytes = checkedRecords, checkedBytes
	}
	if len(b.pending) >= records || b.bytes >= bytes {
		return b.flush(ctx)
	}
	return nil
}

// checked: what is about to be overwritten may be read again. An addition
// overwrites nothing: Chroma ignores one where the id is taken.
func (b *batch) checked() bool { return b.at.Stage != Adding }

// inCollection says of what is named where it is.
func inCollection(w chunk.WriteReport, name string) {
	for i := range w.Inexact {
		w.Inexact[i].Collection = name
	}
	for i := range w.Refused {
		w.Refused[i].Collection = name
	}
}

// size estimates the bytes of a record.
func size(r *chunk.Record) int {
	if r == nil {
		return 0
	}
	n := 4*len(r.Embedding) + 200
	for _, s := range []*string{r.Document, r.URI} {
		if s != nil {
			n += len(*s)
		}
	}
	return n
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.pending) == 0 {
		return nil
	}
	if b.checked() && b.Supplement != nil && b.needs == nil {
		if err := b.Supplement.keepRecords(ctx, b.target, b.plan.have.Tree.Name, b.live, b.pending); err != nil {
			return err
		}
	}
	changes := make([]chunk.Change, len(b.pending))
	for i, p := range b.pending {
		changes[i] = p.Change
	}
	w, err := b.to.Write(ctx, b.live, changes, func(n int) {
		b.at.Done += n
		b.tell(b.at)
	})
	inCollection(w, b.plan.Name)
	if b.needs != nil {
		b.needs.add(w)
	} else {
		b.done.Add(w)
	}
	clear(b.pending)
	b.pending, b.bytes = b.pending[:0], 0
	return err
}
