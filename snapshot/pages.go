package snapshot

import (
	"bytes"
	"context"

	"golang.org/x/sync/errgroup"

	"autochrome/chunk"
)

// The size of a page. Below 4 MB the server's fixed cost per request shows,
// above 6 MB nothing is gained (docs/benchmarks.md).
const (
	pageBytes    = 5 << 20
	firstPage    = 1000
	smallestPage = 16
	largestPage  = 20000 // the server takes 32,000 ids and no more
)

// page is an answer that was fetched and not yet decoded.
type page struct {
	body  *bytes.Buffer
	asked int
}

// readPages reads the records of ids and calls fn with each page, while the
// next one is under way. Two bodies and one page of records are in memory.
func readPages(ctx context.Context, src Source, c chunk.Collection, ids *idList, fn func(recs *chunk.Records, asked, bytesRead int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	fetched := make(chan page)
	free := make(chan *bytes.Buffer, 2)
	free <- new(bytes.Buffer)
	free <- new(bytes.Buffer)
	group.Go(func() error {
		defer close(fetched)
		return fetchPages(ctx, src, c.ServerID, ids, free, fetched)
	})
	group.Go(func() error {
		recs := chunk.NewRecords(c.Description.Dimension)
		for p := range fetched {
			recs.Reset(c.Description.Dimension)
			if err := src.Decode(p.body.Bytes(), recs); err != nil {
				return err
			}
			size := p.body.Len()
			free <- p.body
			if err := fn(recs, p.asked, size); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

func fetchPages(ctx context.Context, src Source, serverID string, ids *idList, free <-chan *bytes.Buffer, fetched chan<- page) error {
	size := firstPage
	var batch [][]byte
	for {
		var err error
		if batch, err = ids.next(batch[:0], size); err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		var body *bytes.Buffer
		select {
		case body = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		body.Reset()
		if err := src.Fetch(ctx, serverID, batch, body); err != nil {
			return err
		}
		size = nextSize(size, len(batch), body.Len())
		select {
		case fetched <- page{body, len(batch)}:
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
	return max(smallestPage, min(fit, 2*size, largestPage))
}
