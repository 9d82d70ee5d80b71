package main

import (
	"autochrome/chunk"
	"autochrome/filter"
	"autochrome/restore"
)

// asked is what a rollback was asked to do, on the command line or by a plan
// that was made before.
type asked struct {
	restore.PlanOptions
	to    wanted
	only  []chunk.Kind
	where *filter.Filter
	plan  *restore.PlanFile // nil: there is none
}

// asked reads the command line.
func (s *session) asked() (a asked, err error) {
	if s.flags.IsSet("plan") {
		return s.askedByPlan()
	}
	if a.to, err = s.rollbackTo(); err != nil {
		return a, err
	}
	if a.Collections, err = s.chosenCollections(); err != nil {
		return a, err
	}
	if a.IDs, a.only, err = s.part(); err != nil {
		return a, err
	}
	for _, k := range a.only {
		a.Only = append(a.Only, k.String())
	}
	a.Where, a.WhereDocument = s.flags.String("where"), s.flags.String("where-document")
	if a.where, err = s.where(); err != nil {
		return a, err
	}
	a.Source = s.flags.String("source")
	a.DropExtra, a.SkipUnwritable = s.flags.Bool("drop-extra"), s.flags.Bool("skip-unwritable")
	return a, nil
}

// saidByPlan are the flags that say what is done, which a plan has said.
var saidByPlan = []string{"at", "undo", "collections", "partial", "failed-collections", "ids", "ids-from", "only", "where", "where-document",
	"drop-extra", "skip-unwritable", "source", "plan-out"}

// askedByPlan reads a plan in place of the command line.
func (s *session) askedByPlan() (a asked, err error) {
	file := s.flags.String("plan")
	if s.flags.Args().Len() > 0 {
		return a, usage("leave it out; the plan names its snapshot", "--plan %s names a snapshot, and so does %q", file, s.flags.Args().First())
	}
	for _, flag := range saidByPlan {
		if s.flags.IsSet(flag) {
			return a, usage("leave it out, or make another plan with --plan-out", "--%s is for the making of a plan, and this one is made", flag)
		}
	}
	plan, err := readPlan(file)
	if err != nil {
		return a, err
	}
	a = asked{PlanOptions: plan.Options, to: wanted{word: plan.SnapshotID}, plan: plan}
	if a.where, err = filters(a.Where, a.WhereDocument); err != nil {
		return a, err
	}
	for _, name := range a.Only {
		k, ok := columnNamed(name)
		if !ok {
			return a, usage("", "--plan %s: no such column: %q", file, name)
		}
		a.only = append(a.only, k)
	}
	for flag, said := range map[string]bool{"drop-extra": a.DropExtra, "skip-unwritable": a.SkipUnwritable} {
		if said {
			if err := s.flags.Set(flag, "true"); err != nil {
				return a, err
			}
		}
	}
	if a.Source != "" {
		err = s.flags.Set("source", a.Source)
	}
	return a, err
}
