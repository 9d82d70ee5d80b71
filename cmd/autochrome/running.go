package main

import (
	"context"

	"autochrome/guard"
	"autochrome/repo"
)

// tellOfRuns says which guarded runs of a source are running: what they write is
// in no plan, and they find what a rollback writes to be unrecorded.
func (s *session) tellOfRuns(ctx context.Context, r *repo.Repository, source string) error {
	all, err := guard.Runs(ctx, r)
	if err != nil {
		return err
	}
	for _, ran := range all {
		if ran.Holder != nil && ran.Base.Source == source {
			s.warn("%s is running (%v): it may write meanwhile, and takes what this does for unrecorded writes", ran.Name, *ran.Holder)
		}
	}
	return nil
}
