package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"autochrome/chunk"
	"autochrome/filter"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// ErrDeclined: the plan was shown and not confirmed. Nothing was changed.
var ErrDeclined = errors.New("not confirmed")

// Options say how a rollback is done.
type Options struct {
	Collections []string // of the snapshot; nil: all of its scope
	DryRun      bool     // plan only; nothing is written, neither to the target nor to the repository
	DropExtra   bool     // drop the collections that the snapshot does not have

	// IDs, where not nil, brings back these records only, as the snapshot has
	// them: added, changed, or deleted where it does not have them. They are looked
	// for in each of the collections; one that neither the snapshot nor the
	// database has is ErrNoRecord before anything is done.
	//
	// Only brings back these columns only (embeddings, documents, metadatas, uris)
	// of records that are there on both sides; no record is added or deleted.
	//
	// Where brings back the records that it selects only: by what they are in the
	// snapshot, and those that it does not have by what they are now, so that
	// these are deleted.
	//
	// With any of them a collection is never dropped, renamed, made anew or
	// described otherwise: records are brought back to where they belong, under
	// whatever name it has now. One that is missing is created, as the snapshot
	// describes it, when there are records of it to be added, and otherwise left
	// alone. The
	// plan, its figures and the comparison are about what is asked for; the state
	// before is recorded whole all the same, of the collections that are concerned.
	IDs   []string
	Only  []chunk.Kind
	Where *filter.Filter

	// Swap makes each collection that differs anew under a name of its own,
	// compares it with the snapshot, and then gives it the name of the one that is
	// there, which is dropped, or kept where KeepOld says so. So readers never see
	// it half done; between the two renames nobody has the name. Anew does so with
	// collections that are as they shall be, too, to have their index built anew.
	// What an earlier swap left beside when it was cut off is removed. Swap does
	// not go with IDs, Only and Where.
	Swap    bool
	KeepOld bool
	Anew    bool

	// Strict stops with ErrWriting where somebody is still writing what is to be
	// overwritten, deleted or dropped, instead of keeping that in a supplement.
	Strict bool

	// Records is given each record that the plan changes, before anything is
	// changed. Nil: they are not listed.
	Records func(RecordDiff) error

	// Queries is how many records of each collection are asked for by their
	// embedding, before and after, to see whether the index finds them; 0: none.
	// Only of whole collections, and of a target that is a Querier.
	Queries int

	// Differing is given what still differs in the end, each of them. Nil: the
	// report names the first.
	Differing Differing

	// Sealed is given what the plan does, by collection, before anything is
	// changed, to be kept or to be compared with what was kept; see Drifted. Its
	// error ends the rollback. Nil: that is not asked.
	Sealed func([]Sealed) error

	// Confirm is shown the plan, with what it needs, before anything is changed
	// and says whether to go on, and whether the extra collections may be dropped.
	// What the target will not hold is named there; to go on is to leave out the
	// records that it refuses and to write the others as nearly as can be. Nil: go
	// on.
	Confirm func(*Plan) (proceed, dropExtra bool, err error)

	// Snapshot says how the state before the rollback is recorded: User, Host,
	// Command and Version are taken.
	Snapshot snapshot.Options

	Reading  func(snapshot.Progress) // of the state before
	Progress func(Progress)

	planned func(*Plan) error // may refuse a plan; nil: none is
	swaps   func(*Plan)       // makes the plan one of swaps; nil: it is none
}

// Report says what a rollback came to.
type Report struct {
	Snapshot    repo.Snapshot
	PreRollback *repo.Snapshot // the state before; nil for a dry run
	Late        Late           // what others wrote since, and this overwrote
	Plan        *Plan
	Applied     Applied
	Compared    *Compared // nil where it did not come to that
	Queries     []QueryCheck
	Kept        []string  // extra collections that were not dropped
	Planned     time.Time // when the plan was made
	Written     time.Time // when the last write was done
}

// Verified reports whether the target was read again and holds what the
// snapshot says.
func (rep Report) Verified() bool { return rep.Compared != nil && rep.Compared.Differences == 0 }

// Rollback makes the source of a snapshot what it was: it records the live
// state, plans the difference, applies it, and compares record by record.
// It acts inside the scope of the snapshot and of the options only. What the
// report says holds also with an error.
func Rollback(ctx context.Context, r *repo.Repository, t Target, s repo.Snapshot, o Options) (Report, error) {
	rep := Report{Snapshot: s}
	reader := tree.NewReader(r)
	want, err := WantedOf(ctx, reader, s, o.Collections)
	if err != nil {
		return rep, err
	}
	part, err := newPart(o)
	if err != nil {
		return rep, err
	}
	if part != nil && o.Swap {
		return rep, errors.New("whole collections are swapped, not single records or columns")
	}
	if part != nil && o.Queries > 0 {
		return rep, errors.New("queries are of whole collections, not of single records or columns")
	}
	for i := range want {
		want[i].part = part
	}
	if t.Tenant() != s.Scope.Tenant || t.Database() != s.Scope.Database {
		return rep, fmt.Errorf("%s is of %s/%s and not of %s/%s; name its database with --tenant and --database",
			s.DisplayID(), s.Scope.Tenant, s.Scope.Database, t.Tenant(), t.Database())
	}
	scope := scopeOf(s, o.Collections)
	if part != nil {
		scope = func(string) bool { return false }
	}
	live, err := t.Collections(ctx)
	if err != nil {
		return rep, err
	}
	scope = besidesKept(live, scope)
	if o.Swap {
		left, inScope := leftBy(r.ID(), live, want, scope), scope
		scope = func(name string) bool {
			return inScope(name) || slices.ContainsFunc(left, func(l Left) bool { return l.Name == name })
		}
		o.swaps = func(p *Plan) { p.toSwap(&o, left) }
	}
	if part != nil && part.ids != nil {
		if err := findIDs(ctx, r, t, s, want, relevant(live, want, scope), part.ids); err != nil {
			return rep, err
		}
	}
	if o.DryRun {
		err := snapshot.WithScratch(r, func(store *snapshot.Scratch) error {
			return rep.plan(ctx, r, store, t, want, scope, o)
		})
		return rep, err
	}
	names := o.Collections
	if part != nil && len(want) > 0 {
		names = namesOf(want)
	}
	if err := rep.record(ctx, r, t, want, scope, o, s.Source, names); err != nil {
		return rep, err
	}
	return rep, rep.carryOut(ctx, r, t, o)
}

// carryOut asks, applies the plan, and compares.
func (rep *Report) carryOut(ctx context.Context, r *repo.Repository, t Target, o Options) (err error) {
	drop := o.DropExtra
	if o.Confirm != nil {
		proceed, dropExtra, err := o.Confirm(rep.Plan)
		if err != nil {
			return err
		}
		if !proceed {
			return ErrDeclined
		}
		drop = drop || dropExtra
	}
	if !drop {
		rep.Kept = rep.Plan.Extra
	}
	asked, err := newQueries(t, rep.Plan, o)
	if err == nil {
		err = asked.before(ctx, rep.Plan)
	}
	if err != nil {
		return err
	}
	ao := ApplyOptions{DropExtra: drop, Progress: o.Progress, swap: o.swap(r, rep.Snapshot)}
	if rep.PreRollback != nil {
		ao.Supplement = NewSupplement(r, *rep.PreRollback, o.Strict)
	}
	rep.Applied, err = Apply(ctx, t, rep.Plan, ao)
	rep.Written = time.Now()
	if ao.Supplement != nil {
		rep.Late = ao.Supplement.Late()
	}
	if err != nil {
		return err
	}
	compared, err := Settle(ctx, r, t, rep.Plan, o.Progress, o.Differing)
	if err != nil {
		return fmt.Errorf("written, but not compared: %w", err)
	}
	if ao.swap != nil {
		compared.join(ao.swap.compared)
	}
	rep.Compared = &compared
	if rep.Queries, err = asked.after(ctx, rep.Plan); err != nil {
		return fmt.Errorf("written and compared, but not queried: %w", err)
	}
	return nil
}

// WantedOf gives a snapshot's collections of these names, or all.
func WantedOf(ctx context.Context, r *tree.Reader, s repo.Snapshot, names []string) ([]Wanted, error) {
	cs, err := r.Collections(ctx, s.Root)
	if err != nil {
		return nil, err
	}
	var out []Wanted
	for _, c := range cs {
		if names != nil && !slices.Contains(names, c.Name) {
			continue
		}
		w := Wanted{Tree: c}
		if w.Description, err = r.Description(ctx, c); err != nil {
			return nil, err
		}
		if m, ok := markOf(chunk.Collection{Name: c.Name, Description: w.Description}); ok && m.Role == roleNew && names == nil {
			continue // a swap was under way, and this is no part of what was there
		}
		for _, info := range s.Collections {
			if info.Name == c.Name {
				w.ServerID = info.ServerID
			}
		}
		out = append(out, w)
	}
	for _, name := range names {
		if !slices.ContainsFunc(cs, func(c tree.Collection) bool { return c.Name == name }) {
			return nil, fmt.Errorf("%s has no collection %q; see: autochrome ls %s", s.DisplayID(), name, s.DisplayID())
		}
	}
	return out, nil
}

// scopeOf says which of the target's collections a plan may touch though the
// snapshot does not have them: those that the snapshot looked for and that the
// command is about. What could not be read at capture is unknown, not absent.
func scopeOf(s repo.Snapshot, names []string) func(name string) bool {
	return func(name string) bool {
		return names == nil && !slices.Contains(s.Unreadable, name) &&
			(s.Scope.Collections == nil || slices.Contains(s.Scope.Collections, name))
	}
}

// relevant gives the target's collections that a plan can concern.
func relevant(live []chunk.Collection, want []Wanted, extra func(string) bool) []chunk.Collection {
	return slices.DeleteFunc(slices.Clone(live), func(c chunk.Collection) bool {
		return !extra(c.Name) && !slices.ContainsFunc(want, func(w Wanted) bool {
			if w.Tree.Name == c.Name {
				return true
			}
			m, _ := markOf(c)
			return !aside(c, live) && (w.ServerID == c.ServerID || w.Tree.Name == m.Of)
		})
	})
}

// plan captures the live state into a scratch store and plans.
func (rep *Report) plan(ctx context.Context, r *repo.Repository, store *snapshot.Scratch, t Target, want []Wanted, extra func(string) bool, o Options) error {
	live, err := t.Collections(ctx)
	if err != nil {
		return err
	}
	begun := time.Now()
	have, _, err := snapshot.Capture(ctx, store, t, relevant(live, want, extra), earlierOf(want), o.Reading)
	if err != nil {
		return err
	}
	if rep.Plan, err = MakePlan(ctx, tree.NewReader(store), t, want, have, extra); err != nil {
		return err
	}
	rep.Planned = time.Now()
	return rep.rehearse(ctx, r, t, have, rep.Planned.Sub(begun), o)
}

// rehearse finds out what the plan needs, and lists its records.
func (rep *Report) rehearse(ctx context.Context, r *repo.Repository, t Target, have []snapshot.Captured, reading time.Duration, o Options) (err error) {
	if o.swaps != nil {
		o.swaps(rep.Plan)
	}
	if o.planned != nil {
		if err := o.planned(rep.Plan); err != nil {
			return err
		}
	}
	if o.Sealed != nil {
		sealed, err := rep.Plan.seal(ctx, o.DropExtra || len(rep.Plan.Blocked) > 0)
		if err != nil {
			return err
		}
		if err := o.Sealed(sealed); err != nil {
			return err
		}
	}
	rep.Plan.Needs, err = Rehearse(ctx, t, rep.Plan, ApplyOptions{DropExtra: o.DropExtra, Progress: o.Progress, swap: o.swap(r, rep.Snapshot)})
	if err != nil {
		return fmt.Errorf("preparing what is to be written: %w", err)
	}
	rep.Plan.Needs.addReading(rep.Plan, have, reading)
	if o.Records == nil {
		return nil
	}
	return rep.Plan.Records(ctx, o.DropExtra, o.Records)
}

// record makes the live state a snapshot of its own, so that the rollback can
// be rolled back, and plans. It is of the source of that name ("": the one that
// the target is known as), and of the collections of these names or of the
// snapshot's scope.
func (rep *Report) record(ctx context.Context, r *repo.Repository, t Target, want []Wanted, extra func(string) bool, o Options, source string, names []string) error {
	live, err := t.Collections(ctx)
	if err != nil {
		return err
	}
	so := o.Snapshot
	so.Kind, so.Source, so.Progress = repo.KindPreRollback, source, o.Reading
	so.AllowMissing = true
	so.Tags = map[string]string{tagPreRollback: rep.Snapshot.OriginalID()}
	so.Collections = lookedFor(rep.Snapshot, names, relevant(live, want, extra))
	begun := time.Now()
	taken, err := snapshot.Take(ctx, r, t, so)
	if err != nil {
		return fmt.Errorf("recording the state before the rollback: %w", err)
	}
	rep.PreRollback = &taken.Snapshot
	if rep.Plan, err = MakePlan(ctx, tree.NewReader(r), t, want, taken.Captured, extra); err != nil {
		return err
	}
	rep.Planned = time.Now()
	return rep.rehearse(ctx, r, t, taken.Captured, rep.Planned.Sub(begun), o)
}

func namesOf(want []Wanted) []string {
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = w.Tree.Name
	}
	return names
}

// lookedFor is the scope of the state before a rollback: that of the command
// or the snapshot, and what collections of it are called now. Nil: all.
func lookedFor(s repo.Snapshot, names []string, live []chunk.Collection) []string {
	if names == nil {
		names = s.Scope.Collections
	}
	if names == nil {
		return nil
	}
	names = slices.Clone(names)
	for _, c := range live {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// earlierOf lets a capture refer to the snapshot that is to be brought back.
func earlierOf(want []Wanted) snapshot.Earlier {
	return func(c chunk.Collection) (tree.Collection, bool) {
		for _, w := range want {
			if w.ServerID == c.ServerID || w.Tree.Name == c.Name {
				return w.Tree, true
			}
		}
		return tree.Collection{}, false
	}
}
