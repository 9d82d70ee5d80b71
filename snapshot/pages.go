package snapshot

import (
	"bytes"
	"context"
	"errors"

	"autochrome/chunk"
)

// The size of a page. Below 4 MB the server's fixed cost per request shows,
// above 6 MB nothing is gained (docs/benchmarks.md).
const (
	pageBytes   = 5 << 20
	firstPage   = 1000
	largestPage = 20000 // the server takes 32,000 ids and no more
)

// bodyBytes is the memory that most answers are given before they are asked for:
// they scatter around pageBytes, and one that does not fit takes twice that.
const bodyBytes = pageBytes + pageBytes/4

// component is how many bytes a component of an embedding takes in an answer, about.
const component = 12

// page is an answer that was fetched and not yet decoded.
type page struct {
	body  *bytes.Buffer
	asked int
}

// reading is a collection on its way.
type reading struct {
	collection chunk.Collection // settled with the first page
	total      int              // records that were listed; known with the first page
	pages      chan page        // closed behind the last, or with err

	// Known when pages is closed.
	same bool // the ids were the same again afterwards
	err  error
}

// pager reads collections one after the other, while others decode and store
// what it has read: also the next one's first page while the last one's last is
// decoded. Two bodies are in memory: with one, a server that answers at once is
// read in 1.2 times the time.
type pager struct {
	src  Source
	free chan *bytes.Buffer
}

func newPager(src Source) *pager {
	p := &pager{src: src, free: make(chan *bytes.Buffer, 2)}
	for range cap(p.free) {
		p.free <- new(bytes.Buffer)
	}
	return p
}

// roomFor gives a body for an answer of about n bytes. Small ones grow by themselves:
// of few dimensions the largest page is far below pageBytes.
func roomFor(body *bytes.Buffer, n int) *bytes.Buffer {
	if n > pageBytes/2 && body.Cap() < bodyBytes {
		return bytes.NewBuffer(make([]byte, 0, bodyBytes))
	}
	return body
}

// read hands on each collection before it reads it. It ends with the first
// error, which the collection has, unless that says that the collection is gone.
func (p *pager) read(ctx context.Context, cs []chunk.Collection, out chan<- *reading) {
	defer close(out)
	for _, c := range cs {
		// With room for one page the ids can be asked for while it waits.
		r := &reading{collection: c, pages: make(chan page, 1)}
		select {
		case out <- r:
		case <-ctx.Done():
			return
		}
		r.err = p.records(ctx, r)
		close(r.pages)
		if r.err != nil && !p.src.Gone(r.err) {
			return
		}
	}
}

// records asks for the ids, for the records of these, and for the ids again.
func (p *pager) records(ctx context.Context, r *reading) error {
	ids, err := listIDs(ctx, p.src, r.collection.ServerID)
	if err != nil {
		return err
	}
	defer ids.close()
	r.total = ids.count
	if ids.count > 0 && r.collection.Description.Dimension == 0 {
		if r.collection, err = p.filled(ctx, r.collection); err != nil {
			return err
		}
	}
	if err := p.fetch(ctx, r, ids); err != nil {
		return err
	}
	r.same, err = ids.unchanged(ctx, p.src, r.collection.ServerID)
	return err
}

// filled asks again for a collection that got its first records, which set its
// dimension, after it was listed.
func (p *pager) filled(ctx context.Context, c chunk.Collection) (chunk.Collection, error) {
	all, err := p.src.Collections(ctx)
	if err != nil {
		return c, err
	}
	for _, now := range all {
		if now.ServerID == c.ServerID && now.Description.Dimension > 0 {
			now.Name = c.Name // as it was asked for; that it was renamed is for others to see
			return now, nil
		}
	}
	return c, errors.New("it has records, and the server does not say of how many dimensions; take the snapshot again")
}

func (p *pager) fetch(ctx context.Context, r *reading, ids *idList) error {
	size := firstPage
	each := r.collection.Description.Dimension * component // bytes of a record, about
	var left [][]byte                                      // ids that are still to be asked for
	for {
		if len(left) == 0 {
			var err error
			if left, err = ids.next(size); err != nil {
				return err
			}
		}
		if len(left) == 0 {
			return nil
		}
		var body *bytes.Buffer
		select {
		case body = <-p.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		asked := left[:min(size, len(left))]
		body = roomFor(body, len(asked)*each)
		if err := p.src.Fetch(ctx, r.collection.ServerID, asked, body); err != nil {
			p.free <- new(bytes.Buffer) // the old one may have grown to the limit of an answer
			if !p.src.TooLarge(err) || len(asked) == 1 {
				return err
			}
			size = len(asked) / 2
			continue
		}
		left = left[len(asked):]
		size, each = nextSize(size, len(asked), body.Len()), body.Len()/len(asked)
		select {
		case r.pages <- page{body, len(asked)}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// nextSize is how many records the next page asks for, so that its answer
// comes near pageBytes. It at most doubles: the next records may be larger.
func nextSize(size, records, answer int) int {
	if answer == 0 {
		return size
	}
	fit := int(int64(records) * pageBytes / int64(answer))
	return max(1, min(fit, 2*size, largestPage))
}
