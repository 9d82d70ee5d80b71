package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

// wanted says which snapshot to go back to: by a word, by a time, or the state
// before the last rollback.
type wanted struct {
	word string
	at   time.Time
	undo bool
}

// rollbackTo reads the arguments of a rollback.
func (s *session) rollbackTo() (w wanted, err error) {
	at := s.flags.IsSet("at")
	w.undo = s.flags.Bool("undo")
	if !at && !w.undo {
		args, err := s.args(0, "ID")
		if err != nil {
			return w, err
		}
		w.word = args[0]
		return w, nil
	}
	flag := "--at"
	if w.undo {
		flag = "--undo"
	}
	switch {
	case at && w.undo:
		return w, usage(helpHint(s.flags.Command.HelpName), "--at and --undo each name a snapshot; give one of them")
	case s.flags.Args().Len() > 0:
		return w, usage(helpHint(s.flags.Command.HelpName), "%s names a snapshot, and so does %q; give one of them", flag, s.flags.Args().First())
	case at:
		w.at, err = parseWhen("at", s.flags.String("at"), s.begun)
	}
	return w, err
}

// findWanted gives the snapshot to go back to, and says which where the
// command line did not.
func (s *session) findWanted(ctx context.Context, r *repo.Repository, live snapshot.Source, w wanted) (repo.Snapshot, error) {
	if w.word != "" {
		return s.findFor(ctx, r, live, w.word)
	}
	of, err := s.snapshotsOf(ctx, r, live)
	if err != nil {
		return repo.Snapshot{}, err
	}
	notes, err := r.Annotations(ctx)
	if err != nil {
		return repo.Snapshot{}, err
	}
	var snap repo.Snapshot
	text := ""
	if w.undo {
		if snap, err = lastRollback(of.list, func(x repo.Snapshot) bool { return !snapshot.Unused(notes[x.ID]) }); err != nil {
			return snap, err
		}
		text = fmt.Sprintf("before the rollback to %s there was %s, of %s", snap.Tags[string(repo.KindPreRollback)], called(snap), shownTime(snap.Time))
	} else {
		good := func(x repo.Snapshot) bool { return notes[x.ID].Suspect(x) == "" }
		if snap, err = newestAt(of, good, w.at); err != nil {
			return snap, err
		}
		text = fmt.Sprintf("the newest at or before %s is %s, of %s", shownTime(w.at), called(snap), shownTime(snap.Time))
	}
	if !s.json {
		s.say("%s", printable(text))
	}
	return snap, nil
}

// ofSource are the snapshots of one source, the oldest first.
type ofSource struct {
	name string
	list []repo.Snapshot
}

// snapshotsOf gives the snapshots of the live database: of its source, or the
// one that --source names, or the only one that the repository has.
func (s *session) snapshotsOf(ctx context.Context, r *repo.Repository, live snapshot.Source) (of ofSource, err error) {
	if of.name = s.flags.String("source"); of.name == "" {
		if of.name, err = snapshot.SourceName(ctx, r, live); err != nil {
			return of, err
		}
	}
	if of.name == "" { // never seen
		newest, err := r.Find(ctx, "latest", "") // says what to do where there are several
		if err != nil {
			return of, err
		}
		of.name = newest.Source
	}
	all, err := r.Snapshots(ctx)
	if err != nil {
		return of, err
	}
	of.list = slices.DeleteFunc(all, func(x repo.Snapshot) bool { return x.Source != of.name })
	if len(of.list) == 0 {
		return of, &hintedError{fmt.Errorf("there is no snapshot of source %q", of.name), "see: autochrome snapshot list"}
	}
	return of, nil
}

// newestAt gives the newest good snapshot at or before a time, other than those
// that were taken before a rollback.
func newestAt(of ofSource, good func(repo.Snapshot) bool, at time.Time) (repo.Snapshot, error) {
	fit := slices.DeleteFunc(of.list, func(x repo.Snapshot) bool { return x.Kind == repo.KindPreRollback || !good(x) })
	if len(fit) == 0 {
		return repo.Snapshot{}, &hintedError{fmt.Errorf("source %q has no good snapshot of any time", of.name),
			"all there are were taken before a rollback, or are suspect; see: autochrome snapshot list"}
	}
	var best *repo.Snapshot
	oldest := fit[0]
	for i, x := range fit {
		if x.Time.Before(oldest.Time) {
			oldest = x
		}
		if !x.Time.After(at) && (best == nil || !x.Time.Before(best.Time)) {
			best = &fit[i]
		}
	}
	if best == nil {
		return repo.Snapshot{}, &hintedError{fmt.Errorf("no good snapshot of source %q is as old as %s", of.name, shownTime(at)),
			fmt.Sprintf("the oldest is %s, of %s", called(oldest), shownTime(oldest.Time))}
	}
	return *best, nil
}

// lastRollback gives the state before the last rollback that wrote something.
func lastRollback(list []repo.Snapshot, used func(repo.Snapshot) bool) (repo.Snapshot, error) {
	for _, x := range slices.Backward(list) {
		if x.Kind == repo.KindPreRollback && used(x) {
			return x, nil
		}
	}
	return repo.Snapshot{}, &hintedError{fmt.Errorf("there is no rollback to undo"), "the states before rollbacks stand in: autochrome snapshot list"}
}

// wrote reports whether a rollback may have changed something. One that ended
// early while it wrote may have, whatever it counted.
func wrote(rep restore.Report, err error) bool {
	return !rep.Written.IsZero() && (err != nil || changes(rep.Plan) || len(rep.Applied.Dropped) > 0)
}

// noteUnused says of the state before a rollback that the rollback wrote
// nothing, since it was declined or there was nothing to do, so that --undo
// passes over it.
func (s *session) noteUnused(ctx context.Context, r *repo.Repository, before repo.Snapshot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	if err := r.Annotate(ctx, repo.Annotation{Snapshot: before.ID, Key: repo.TagKey(snapshot.TagRollback), Value: snapshot.WroteNothing}); err != nil {
		s.warn("it cannot be noted in the repository that this rollback wrote nothing: %v", err)
	}
}
