package repo

import (
	"context"

	"golang.org/x/sync/errgroup"

	"autochrome/index"
)

// An index file is written without being asked for after so many packs, so that a
// first snapshot of many gigabytes that is cut short need not begin from nothing, or
// so many chunks, whose places would fill the memory.
const (
	indexAfter  = 64
	indexChunks = 1 << 13
)

// makeRoom starts the upload of the open pack when n bytes do not fit into it.
// It waits for a free upload first: so no more packs are in memory than that.
func (w *Writer) makeRoom(ctx context.Context, n int) error {
	if err := w.slot(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil || w.open.fits(n) { // somebody else was faster
		<-w.slots
		return nil
	}
	w.upload(w.open)
	w.open = nil
	return nil
}

// slot waits until an upload may begin.
func (w *Writer) slot(ctx context.Context) error {
	select {
	case w.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.ctx.Done():
		return w.err()
	}
}

// upload writes a pack in the background and gives its slot back. w.mu is held.
func (w *Writer) upload(p *packBuilder) {
	w.group.Go(func() error {
		defer func() { <-w.slots }()
		rest, pack := p.finish()
		err := p.save(w.ctx, w.r.be, packFile(pack.ID), rest)
		if err != nil {
			err = w.fail(err)
		}
		w.mu.Lock()
		w.drop(p)
		if err == nil {
			w.local.Add(pack)
			w.done = append(w.done, pack)
			w.standing.alive[pack.ID] = true
			w.wrote(int(pack.Size))
		}
		many := len(w.done) >= indexAfter || w.local.Len() >= indexChunks
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if many {
			return w.writeIndex(w.ctx)
		}
		return nil
	})
}

// wrote counts a file. w.mu is held.
func (w *Writer) wrote(n int) {
	w.stats.Files++
	w.stats.Bytes += int64(n)
	w.since.Stored += int64(n)
}

func (w *Writer) uploading() *errgroup.Group {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.group
}

// Flush makes all that was saved durable, and known to all: the packs first,
// then one index file that names them.
func (w *Writer) Flush(ctx context.Context) error {
	w.committing.Lock()
	defer w.committing.Unlock()
	return w.flush(ctx)
}

func (w *Writer) flush(ctx context.Context) error {
	if err := w.err(); err != nil {
		return err
	}
	if err := w.slot(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	if w.open != nil {
		w.upload(w.open)
		w.open = nil
	} else {
		<-w.slots
	}
	w.mu.Unlock()
	return w.settle(ctx)
}

// settle waits for the uploads under way and writes the index.
func (w *Writer) settle(ctx context.Context) error {
	w.mu.Lock()
	group := w.group
	w.group = new(errgroup.Group)
	w.mu.Unlock()
	if err := group.Wait(); err != nil {
		return w.fail(err)
	}
	return w.writeIndex(ctx)
}

// writeIndex writes an index file of the packs that are durable and in none.
// Only then do others, and later Writers, count their chunks as stored.
func (w *Writer) writeIndex(ctx context.Context) error {
	w.indexing.Lock()
	defer w.indexing.Unlock()
	if err := w.err(); err != nil {
		return err
	}
	w.mu.Lock()
	packs := w.done
	w.mu.Unlock()
	if len(packs) == 0 {
		return nil
	}
	file := index.AppendFile(nil, packs)
	name := indexFile(index.FileName(file))
	if err := w.r.be.Save(ctx, name, file); err != nil {
		return w.fail(err)
	}
	w.r.addIndexed(name, packs)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append([]index.Pack(nil), w.done[len(packs):]...)
	w.local = new(index.Index)
	w.local.Add(w.done...)
	w.wrote(len(file) + w.r.envelope.size())
	return nil
}

// addIndexed makes known what an index file names that is durable.
func (r *Repository) addIndexed(name string, packs []index.Pack) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.index().Add(packs...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known.indexFiles[name] = true
}
