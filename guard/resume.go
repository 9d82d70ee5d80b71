package guard

import (
	"context"
	"errors"
	"fmt"

	"autochrome/snapshot"
)

// resume finds where the run that goes on stands.
func (x *run) resume(ctx context.Context) (unlock func() error, err error) {
	x.report.Base, x.report.Run = *x.Resume, RunName(*x.Resume)
	if err := x.sameDatabase(ctx); err != nil {
		return nil, err
	}
	if unlock, err = x.Repository.LockRun(x.report.Run); err != nil {
		return nil, err
	}
	ran, err := x.ran(ctx)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	x.from, x.report.Points = ran.Last(), len(ran.Points)
	return unlock, nil
}

// ran gives the run that goes on as it is now: who was at it may have ended it, or
// made points, since the repository was opened.
func (x *run) ran(ctx context.Context) (Ran, error) {
	if err := x.Repository.Refresh(ctx); err != nil {
		return Ran{}, err
	}
	ran, err := FindRun(ctx, x.Repository, x.report.Run)
	if err == nil && ran.Ended != "" {
		err = &EndedError{ran.Name, ran.Ended}
	}
	return ran, err
}

// catchUp makes a point of what was written since the last one. Each of the two is
// good where no more is lost than may be.
func (x *run) catchUp(ctx context.Context) error {
	if _, err := x.weigh(ctx, true); err != nil {
		return err
	}
	if err := patiently(ctx, x.recorder.all); err != nil {
		return err
	}
	_, err := x.weigh(ctx, true)
	return err
}

// sameDatabase makes sure that the run is of this database. In another one all
// that is there would look like unrecorded writes, and be rolled back.
func (x *run) sameDatabase(ctx context.Context) error {
	base, db := x.report.Base, x.Database
	if db.Tenant() != base.Scope.Tenant || db.Database() != base.Scope.Database {
		return fmt.Errorf("%s is of %s/%s and not of %s/%s; name its database with --tenant and --database",
			x.report.Run, base.Scope.Tenant, base.Scope.Database, db.Tenant(), db.Database())
	}
	if x.Snapshot.Source == base.Source {
		return nil // said by whoever runs it
	}
	known, err := snapshot.SourceName(ctx, x.Repository, db)
	if err == nil && known != base.Source {
		err = &OtherSourceError{x.report.Run, base.Source, db.URL(), known}
	}
	return err
}

// EndedError: the run that shall go on has its end.
type EndedError struct{ Run, How string }

func (e *EndedError) Error() string { return fmt.Sprintf("%s has ended: %s", e.Run, e.How) }

// Hint says what to do about it.
func (e *EndedError) Hint() string { return "begin a new one: autochrome guard -- COMMAND" }

// OtherSourceError: the run that shall go on is of another source than the
// database that is there.
type OtherSourceError struct {
	Run, Source string
	URL, Known  string // the database and its source; "": it was never seen
}

func (e *OtherSourceError) Error() string {
	what := "not known"
	if e.Known != "" {
		what = fmt.Sprintf("%q", e.Known)
	}
	return fmt.Sprintf("%s is of source %q, and the database at %s is %s", e.Run, e.Source, e.URL, what)
}

// Hint says what to do about it.
func (e *OtherSourceError) Hint() string {
	return "is this the right --chromadb-url? If it is that database all the same: --source " + e.Source
}
