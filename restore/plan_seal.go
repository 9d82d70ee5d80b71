package restore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// Sealed says what a plan does to one collection, so that another plan can be
// held against it: it does the same where Changes are equal.
type Sealed struct {
	Collection string `json:"collection"`
	Action     Action `json:"action"`              // also Drop
	LiveName   string `json:"live_name,omitempty"` // as it is called now; "": it is missing
	ServerID   string `json:"server_id,omitempty"` // likewise
	Records    int64  `json:"records"`             // that are there now
	LiveRoot   string `json:"live_root,omitempty"` // logical id of these; "": there are none
	Changes    string `json:"changes_sha256"`      // of what is done, and of the values that are replaced
	Added      int    `json:"added"`               // records, as in CollectionPlan
	Updated    int    `json:"updated"`             //
	Deleted    int    `json:"deleted"`             //
}

// Drop is what is done to an extra collection, in a Sealed.
const Drop Action = "drop"

// seal goes through what the plan changes. Extra collections count where they
// are dropped.
func (p *Plan) seal(ctx context.Context, drop bool) ([]Sealed, error) {
	var out []Sealed
	for _, c := range p.Collections {
		s := sealedState(c.Name, c.Action, c.have)
		s.Added, s.Updated, s.Deleted = c.Added, c.Updated, c.Deleted
		sum, err := c.digest(ctx)
		if err != nil {
			return nil, fmt.Errorf("collection %q: %w", c.Name, err)
		}
		s.Changes = sum
		out = append(out, s)
	}
	if !drop {
		return out, nil
	}
	for _, name := range p.Extra {
		s := sealedState(name, Drop, p.extra[name])
		s.Deleted = int(s.Records)
		sum := sha256.Sum256([]byte("drop " + s.LiveRoot))
		s.Changes = hex.EncodeToString(sum[:])
		out = append(out, s)
	}
	return out, nil
}

func sealedState(name string, a Action, have *snapshot.Captured) Sealed {
	s := Sealed{Collection: name, Action: a}
	if have != nil {
		s.LiveName, s.ServerID, s.Records = have.Collection.Name, have.Collection.ServerID, have.Tree.Top.Count
		if s.Records > 0 {
			s.LiveRoot = have.Tree.Top.Logical.String()
		}
	}
	return s
}

// digest is a hash of what the plan does to a collection: of the whole of it,
// and of each record with its values before. Those after are the snapshot's.
// The order of records says nothing, so their hashes are joined by exclusive or.
func (c CollectionPlan) digest(ctx context.Context) (string, error) {
	head := struct {
		Action   Action
		From     string
		Fields   []string
		Is, Live string
	}{Action: c.Action, From: c.RenamedFrom, Fields: c.Fields}
	if len(c.Fields) > 0 || c.Action == Recreate {
		head.Is = c.have.Tree.Description.String()
	}
	if c.Action == Recreate {
		head.Live = c.have.Tree.Top.Logical.String()
	}
	text, err := json.Marshal(head)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	each := c.want.part.taking(ctx, toSnapshot, func(x tree.Difference) error {
		if x.Op == tree.Moved {
			return nil
		}
		one, err := differenceSum(ctx, x)
		for i := range sum {
			sum[i] ^= one[i]
		}
		return err
	})
	if c.delta != nil && c.Action != Keep {
		if err := c.delta.Removed(ctx, each); err != nil {
			return "", err
		}
		if err := c.delta.Present(ctx, each); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum[:]), nil
}

// differenceSum is a hash of what changes about a record, and of what is
// replaced.
func differenceSum(ctx context.Context, x tree.Difference) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	part([]byte(x.Op.String()))
	part([]byte(x.ID))
	kinds := chunk.Columns[1:]
	if x.Op == tree.Changed {
		kinds = kindsOf(x.Columns)
	}
	if x.Op != tree.Added && len(kinds) > 0 {
		before, err := x.Before(ctx, kinds...)
		if err != nil {
			return sum, err
		}
		recs := chunk.NewRecords(len(before.Embedding))
		recs.Append(before)
		for _, k := range kinds {
			row, there := recs.Column(k).Row(0)
			part(fmt.Appendf(nil, "%v %v", k, there))
			part(row)
		}
	}
	h.Sum(sum[:0])
	return sum, nil
}

// DriftError: the live state is not what it was when a plan was reviewed, so
// that it would do something else now.
type DriftError struct {
	Collections []string // that drifted, with what is different
}

func (e *DriftError) Error() string {
	return "the live state has drifted since the plan was made: " + strings.Join(e.Collections, "; ")
}

// Hint says what to do next.
func (e *DriftError) Hint() string {
	return "nothing was changed; make a new plan with --plan-out and review that, also where this one was carried out in part"
}

// Drifted compares what was reviewed with what would be done now. Nil: it is
// the same.
func Drifted(reviewed, now []Sealed) error {
	var e DriftError
	there := map[string]Sealed{}
	for _, s := range now {
		there[s.Collection] = s
	}
	for _, was := range reviewed {
		is, ok := there[was.Collection]
		delete(there, was.Collection)
		switch {
		case !ok:
			e.Collections = append(e.Collections, fmt.Sprintf("collection %q was there and is gone", was.Collection))
		case is.Changes != was.Changes || is.Action != was.Action:
			e.Collections = append(e.Collections, fmt.Sprintf("collection %q: %s, and now %s", was.Collection, was.does(), is.does()))
		}
	}
	for _, s := range now {
		if _, isNew := there[s.Collection]; isNew {
			e.Collections = append(e.Collections, fmt.Sprintf("collection %q is new", s.Collection))
		}
	}
	if len(e.Collections) == 0 {
		return nil
	}
	return &e
}

func (s Sealed) does() string {
	return fmt.Sprintf("%s with %d added, %d updated, %d deleted of %d", s.Action, s.Added, s.Updated, s.Deleted, s.Records)
}
