package restore

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/tree"
)

// Querier is a target that finds nearest records.
type Querier interface {
	// Query gives, for each embedding, the ids of the k records that the target's
	// index finds nearest.
	Query(ctx context.Context, serverID string, embeddings [][]float32, k int) ([][]string, error)
	// Space says how a collection compares embeddings: l2, ip, cosine.
	Space(d chunk.CollectionDescription) string
}

// recallMargin is how much of the recall before may be lost: an index is
// approximate, and one that was built in another order finds others.
const recallMargin = 0.05

// QueryCheck is how well a collection's index answers after a restore. Records
// can all be right while the index that finds them is not.
type QueryCheck struct {
	Collection string `json:"collection"`
	Space      string `json:"space"`
	Queries    int    `json:"queries"`    // records of the snapshot whose neighbours were asked for
	Neighbours int    `json:"neighbours"` // of each

	// Recall is the share of the nearest records, which we find by looking at all
	// of them, that the index found: 0 to 1. Before is of the same queries on what
	// was there before; nil where there was nothing to ask, or it did not answer.
	Before *float64 `json:"recall_before"`
	After  *float64 `json:"recall_after"`

	NotFound []string `json:"not_found"`       // of those records that the index does not find itself: the first
	Missing  int      `json:"not_found_count"` // all of them
	// MissingBefore is how many of them were not found before, as far as they were
	// there: where many records have the same vector, an index loses others.
	MissingBefore int `json:"not_found_before"`

	ErrorBefore string `json:"error_before,omitempty"` // why it did not answer
	ErrorAfter  string `json:"error_after,omitempty"`
}

// Broken says what is wrong with an index, or "".
func (q QueryCheck) Broken() string {
	switch {
	case q.ErrorAfter != "":
		return "it does not answer: " + q.ErrorAfter
	case q.Missing > q.MissingBefore:
		return fmt.Sprintf("%d of %d records are not found where they are, and %d before; first %q", q.Missing, q.Queries, q.MissingBefore, q.NotFound[0])
	case q.Before != nil && q.After != nil && *q.After < *q.Before-recallMargin:
		return fmt.Sprintf("it finds %.1f %% of the nearest records, and found %.1f %% before", 100**q.After, 100**q.Before)
	}
	return ""
}

// queries checks the indexes of a plan's collections, before and after it is
// carried out.
type queries struct {
	target   Target
	querier  Querier
	reader   *tree.Reader // of what shall be, and what was there
	n        int          // queries of each collection
	probes   map[string][]probe
	checks   []QueryCheck
	progress func(Progress)
}

// newQueries gives nil where nothing is to be checked.
func newQueries(t Target, p *Plan, o Options) (*queries, error) {
	if o.Queries == 0 {
		return nil, nil
	}
	querier, ok := t.(Querier)
	if !ok {
		return nil, errors.New("the target cannot be asked for nearest records")
	}
	return &queries{target: t, querier: querier, reader: p.reader, n: o.Queries, probes: map[string][]probe{}, progress: o.Progress}, nil
}

// before asks what is there, and remembers how well that answered.
func (q *queries) before(ctx context.Context, p *Plan) error {
	if q == nil {
		return nil
	}
	for _, c := range p.Collections {
		check := QueryCheck{Collection: c.Name, Space: q.querier.Space(c.want.Description), Neighbours: neighbours, NotFound: []string{}}
		probes, err := probesOf(ctx, q.reader, c.want.Tree, q.n)
		if err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
		q.probes[c.Name], check.Queries = probes, len(probes)
		if c.have != nil && c.have.Collection.Description.Dimension == c.want.Description.Dimension && c.have.Tree.Height > 0 && len(probes) > 0 {
			out, refused, err := q.ask(ctx, c.have.Collection, c.have.Tree, probes)
			switch {
			case err != nil:
				return fmt.Errorf("collection %q: %w", c.Name, err)
			case refused != nil: // a broken index may be what the restore is for
				check.ErrorBefore = refused.Error()
			default:
				check.Before, check.MissingBefore = &out.recall, len(out.notFound)
			}
		}
		q.checks = append(q.checks, check)
	}
	return nil
}

// after asks again and gives what came of it.
func (q *queries) after(ctx context.Context, p *Plan) ([]QueryCheck, error) {
	if q == nil {
		return nil, nil
	}
	live, err := q.target.Collections(ctx)
	if err != nil {
		return nil, err
	}
	for i, c := range p.Collections {
		check := &q.checks[i]
		now, ok := byName(live, c.Name)
		probes := q.probes[c.Name]
		if !ok || len(probes) == 0 {
			continue
		}
		out, refused, err := q.ask(ctx, now, c.want.Tree, probes)
		switch {
		case err != nil:
			return q.checks, fmt.Errorf("collection %q: %w", c.Name, err)
		case refused != nil:
			check.ErrorAfter = refused.Error()
		default:
			check.After, check.Missing = &out.recall, len(out.notFound)
			check.NotFound = append(check.NotFound, out.notFound[:min(len(out.notFound), maxNamed)]...)
		}
	}
	return q.checks, nil
}

// ask queries a collection that holds what a tree says. refused is why it did
// not answer.
func (q *queries) ask(ctx context.Context, c chunk.Collection, t tree.Collection, probes []probe) (out outcome, refused, err error) {
	if q.progress != nil {
		q.progress(Progress{Collection: c.Name, Stage: Querying, Total: len(probes)})
	}
	vectors := make([][]float32, len(probes))
	for i, p := range probes {
		vectors[i] = p.vector
	}
	answers, refused := q.querier.Query(ctx, c.ServerID, vectors, int(min(neighbours, t.Top.Count)))
	if refused != nil {
		return out, refused, ctx.Err()
	}
	out, err = exact(ctx, q.reader, t, q.querier.Space(c.Description), probes, answers)
	return out, nil, err
}
