package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
)

// lostSnapshot is one whose record cannot be read, with what the audit log knows
// of it.
type lostSnapshot struct {
	Type     string     `json:"type"` // snapshot
	Identity chunk.ID   `json:"identity"`
	Time     *time.Time `json:"time,omitempty"` // about; none: the log does not know it
	Command  string     `json:"command,omitempty"`
	Records  int64      `json:"records,omitempty"`
}

// lostSnapshots finds in the audit log what is known of snapshots.
func lostSnapshots(ctx context.Context, r *repo.Repository, ids []chunk.ID) ([]lostSnapshot, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	out := make([]lostSnapshot, len(ids))
	at := map[chunk.ID]*lostSnapshot{}
	for i, id := range ids {
		out[i] = lostSnapshot{Type: "snapshot", Identity: id}
		at[id] = &out[i]
	}
	err := r.AuditEntries(ctx, func(e repo.AuditEntry) error {
		if e.Snapshot == nil {
			return nil
		}
		if s := at[*e.Snapshot]; s != nil && s.Time == nil { // the first is that which made it
			s.Time, s.Command, s.Records = &e.Time, e.Command, e.Counts["records"]
		}
		return nil
	})
	if errors.Is(err, repo.ErrDamaged) {
		err = nil // the check names it
	}
	return out, err
}

func (l lostSnapshot) String() string {
	if l.Time == nil {
		return fmt.Sprintf("the snapshot ..._%s, of which the audit log knows nothing", repo.Suffix(l.Identity))
	}
	return fmt.Sprintf("the snapshot ..._%s of about %s, %s, by: %s", repo.Suffix(l.Identity), shownTime(*l.Time), plural(l.Records, "record"), l.Command)
}

// unread prints snapshots whose record cannot be read.
func (c *checkReport) unread(ctx context.Context, r *repo.Repository, ids []chunk.ID) error {
	lost, err := lostSnapshots(ctx, r, ids)
	if err != nil {
		return err
	}
	for _, l := range lost {
		if c.json {
			c.printed(c.printJSON(l))
		} else {
			c.printed(c.print("lost: %s: its record", printable(l.String())))
		}
	}
	return nil
}
