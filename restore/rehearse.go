package restore

import (
	"context"
	"time"

	"autochrome/chunk"
	"autochrome/snapshot"
)

// Needs says what carrying out a plan takes, and what of it the target will
// not hold.
type Needs struct {
	Requests int   `json:"requests"`     // that write
	Bytes    int64 `json:"bytes"`        // of their bodies
	Millis   int64 `json:"estimated_ms"` // about, to write and to compare

	Unwritable int             `json:"unwritable"` // how many the next two have, also where not all are named
	Inexact    []chunk.Inexact `json:"inexact"`    // the first of the values that it will hold otherwise
	Refused    []chunk.Refused `json:"refused"`    // the first of the records that it will not take
}

func (n *Needs) add(w chunk.WriteReport) {
	n.Unwritable += len(w.Inexact) + len(w.Refused)
	n.Inexact = append(n.Inexact, w.Inexact[:min(len(w.Inexact), maxNamed-len(n.Inexact))]...)
	n.Refused = append(n.Refused, w.Refused[:min(len(w.Refused), maxNamed-len(n.Refused))]...)
}

// Rehearse goes through all of a plan as Apply does, by the same code and down
// to the bodies of the requests, and changes nothing. So it reads both sides of
// what differs, and takes a fraction of the time of the writing.
func Rehearse(ctx context.Context, t Target, p *Plan, o ApplyOptions) (*Needs, error) {
	to := t.Rehearse()
	a := &applier{ApplyOptions: o, target: t, to: to, needs: &Needs{Inexact: []chunk.Inexact{}, Refused: []chunk.Refused{}}, plan: p, moved: map[string]string{}}
	a.DropExtra = o.DropExtra || len(p.Blocked) > 0 // there is no other way to go on
	if err := a.apply(ctx); err != nil {
		return nil, err
	}
	e := to.Effort()
	a.needs.Requests, a.needs.Bytes, a.needs.Millis = e.Requests, e.Bytes, e.Time.Milliseconds()
	return a.needs, nil
}

// lacks names what a collection that is to be created will be without.
func (a *applier) lacks(ctx context.Context, c *CollectionPlan) error {
	fields, err := a.target.Lacks(ctx, c.want.Description)
	if err != nil || len(fields) == 0 {
		return err
	}
	var w chunk.WriteReport
	for _, f := range fields {
		w.Inexact = append(w.Inexact, chunk.Inexact{Collection: c.Name, Where: f, Want: "what the snapshot has", Stored: "nothing"})
	}
	if a.needs != nil {
		a.needs.add(w)
	} else {
		a.done.Add(w)
	}
	return nil
}

// addReading adds the time that is spent reading: once before what is deleted or
// overwritten, and once to compare. It takes as long, by record, as reading the
// live state has just taken.
func (n *Needs) addReading(p *Plan, have []snapshot.Captured, took time.Duration) {
	var read, again int64
	for _, c := range have {
		read += c.Tree.Top.Count
	}
	for _, c := range p.touched() {
		if c.Swap && c.have != nil {
			again += c.have.Tree.Top.Count // by what was written late
		} else {
			again += int64(c.Updated + c.Deleted)
		}
		if c.want.part != nil && c.want.part.ids != nil {
			again += int64(len(c.want.part.ids))
		} else {
			again += c.want.Tree.Top.Count
		}
	}
	byRecord := 100 * time.Microsecond // where little was read, that says nothing
	if read >= 1000 {
		byRecord = took / time.Duration(read)
	}
	n.Millis += (time.Duration(again) * byRecord).Milliseconds()
}
