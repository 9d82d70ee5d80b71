package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/repo/backend"
)

// validation is the checks of validate, in the order in which they run: later
// ones use what earlier ones found.
type validation struct {
	*session
	folder string           // of the repository; "": unknown
	repo   *repo.Repository // nil: none could be opened
	list   []repo.Snapshot  // in it
	store  time.Time        // by the store's clock; zero: unknown
	asked  time.Time        // by our own, at the same time
	db     *chroma.Database // nil: it does not answer
	server time.Time        // by its clock; zero: unknown
	heard  time.Time        // by our own, at the same time
}

func (v *validation) close() {
	if v.repo != nil {
		_ = v.repo.Close() // nothing was written that matters
	}
}

// settings reads all that come from the environment, also those that only other
// commands use.
func (v *validation) settings(ctx context.Context) checkJSON {
	_, chromaErr := chromaOptions(v.flags)
	_, cleanupErr := v.autoCleanup()
	policy, _, policyErr := v.policy()
	_, timeErr := v.maxTime()
	_, lossErr := v.maxLoss()
	_, backErr := v.rollBackTo()
	_, tellErr := v.telling(ctx)
	for _, err := range []error{chromaErr, cleanupErr, policyErr, timeErr, lossErr, backErr, tellErr, v.checkMetricsFile()} {
		if err != nil {
			return failed(err)
		}
	}
	return passed("%s, keep %s", withoutUser(value(v.flags, "chromadb-url")), join(rules(policy)))
}

// installation looks at the program and at the folder of its temporary files, in
// which ids and states that are compared lie.
func (v *validation) installation(context.Context) checkJSON {
	b, folder := build(), os.TempDir()
	f, err := os.CreateTemp(folder, "autochrome-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return failed(&hintedError{fmt.Errorf("temporary files cannot be written: %w", err), "allow it, or name another folder in TMPDIR"})
	}
	free, err := backend.Free(folder)
	if err != nil {
		return failed(err)
	}
	if free < tempSpace {
		return doubtful("make room, or name another folder in TMPDIR", "autochrome %s, %s; %s free for temporary files in %s", b.Version, b.Platform, size(free), folder)
	}
	return passed("autochrome %s, %s; %s free for temporary files in %s", b.Version, b.Platform, size(free), folder)
}

// tempSpace is enough for the ids of ten million records.
const tempSpace = 1 << 30

func (v *validation) repository(ctx context.Context) checkJSON {
	folder, err := v.session.folder()
	if err != nil {
		return failed(err)
	}
	v.folder = folder
	r, err := v.openRepository(ctx, folder, ownKeys)
	if errors.Is(err, repo.ErrNoRepository) {
		return doubtful("the first autochrome snapshot create makes it", "%s: there is none yet", folder)
	}
	if err != nil {
		return failed(err)
	}
	v.repo = r
	v.list, err = r.Snapshots(ctx)
	if err == nil {
		_, err = r.Annotations(ctx)
	}
	if err != nil {
		return failed(err)
	}
	if n := len(r.Damaged()); n > 0 {
		return failed(&hintedError{fmt.Errorf("%s: %s damaged, the first: %w", folder, plural(n, "file"), r.Damaged()[0]), "autochrome check"})
	}
	return passed("%s: %s can be listed", r.Location(), plural(len(v.list), "snapshot"))
}

// writing writes a file and removes it.
func (v *validation) writing(ctx context.Context) checkJSON {
	if v.repo == nil {
		if v.folder == "" {
			return doubtful("", "not checked: the repository's place is not known")
		}
		v.folder = existing(v.folder)
		f, err := os.CreateTemp(v.folder, ".autochrome-*")
		if err != nil {
			return failed(&backend.Error{Op: "create in", Where: v.folder, Kind: backend.ErrReadOnly, Err: err})
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			return failed(err)
		}
		return passed("in %s", v.folder)
	}
	v.asked = time.Now()
	at, err := v.local.Now(ctx)
	if err != nil {
		return failed(err)
	}
	v.store = at
	return passed("in %s", v.repo.Location())
}

// existing is a folder, or the nearest above it that is there.
func existing(folder string) string {
	for at := filepath.Clean(folder); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() || at == filepath.Dir(at) {
			return at
		}
	}
}

func (v *validation) chroma(ctx context.Context) checkJSON {
	db, err := v.openChroma(ctx)
	if err != nil {
		return failed(err)
	}
	pulse, err := db.Pulse(ctx)
	if err != nil {
		return failed(err)
	}
	list, err := db.Collections(ctx)
	if err != nil {
		return failed(err)
	}
	v.db, v.server, v.heard = db, pulse.Time, pulse.Heard
	arrays := "without arrays in metadata"
	if pulse.Features.Arrays {
		arrays = "with arrays in metadata"
	}
	return passed("%v: %s, after %d ms, %s", db, plural(len(list), "collection"), pulse.Latency.Milliseconds(), arrays)
}

// space compares what is free with the newest snapshot: the next one takes about
// as much, and never more than what was read for it.
func (v *validation) space(ctx context.Context) checkJSON {
	if v.folder == "" {
		return doubtful("", "not checked: the repository's place is not known")
	}
	free, err := backend.Free(v.folder)
	if err != nil {
		return failed(err)
	}
	if len(v.list) == 0 {
		return v.firstSpace(ctx, free)
	}
	newest := v.list[len(v.list)-1]
	switch cost, read := newest.Cost(), newest.Stats.BytesRead; {
	case free < cost:
		return failed(&hintedError{fmt.Errorf("%s free, and the newest snapshot took %s", size(free), size(cost)),
			"make room: autochrome snapshot cleanup, autochrome prune"})
	case free < read:
		return doubtful("autochrome snapshot cleanup, autochrome prune", "%s free; the newest snapshot took %s, and one in which all is new may take up to %s", size(free), size(cost), size(read))
	default:
		return passed("%s free; the newest snapshot took %s of %s read", size(free), size(cost), size(read))
	}
}

// bytesPerRecord is what a record takes beside its vector of four bytes a
// component, at most in most databases.
const bytesPerRecord = 2000

// firstSpace estimates the first snapshot by what Chroma holds.
func (v *validation) firstSpace(ctx context.Context, free int64) checkJSON {
	if v.db == nil {
		return doubtful("", "%s free; there is neither a snapshot nor Chroma to compare it with", size(free))
	}
	list, err := v.db.Collections(ctx)
	if err != nil {
		return failed(err)
	}
	need := int64(0)
	for _, c := range list {
		n, err := v.db.Count(ctx, c.ServerID)
		if err != nil {
			return failed(err)
		}
		need += int64(n) * int64(4*c.Description.Dimension+bytesPerRecord)
	}
	if free < need {
		return doubtful("name another place with --repo, or make room", "%s free; the first snapshot may take up to some %s", size(free), size(need))
	}
	return passed("%s free; the first snapshot may take up to some %s", size(free), size(need))
}

// A clock that is off by more than maxSkew is told; by more than maxSkewEver,
// snapshots would be found at wrong times and kept for wrong periods.
const (
	maxSkew     = 10 * time.Second
	maxSkewEver = time.Hour
)

func (v *validation) clock(context.Context) checkJSON {
	text, worst := "", time.Duration(0)
	for _, other := range []struct {
		of      string
		at, our time.Time
	}{{"the repository's file system", v.store, v.asked}, {"Chroma", v.server, v.heard}} {
		if other.at.IsZero() {
			continue
		}
		if text != "" {
			text += ", "
		}
		skew := other.at.Sub(other.our)
		text += fmt.Sprintf("%s %+.1f s", other.of, skew.Seconds())
		worst = max(worst, skew.Abs())
	}
	const hint = "set the clocks by NTP"
	switch {
	case text == "":
		return doubtful("", "not checked: nothing else told a time")
	case worst > maxSkewEver:
		return failed(&hintedError{errors.New("compared with this machine's clock: " + text), hint})
	case worst > maxSkew:
		return doubtful(hint, "compared with this machine's clock: %s", text)
	}
	return passed("compared with this machine's clock: %s", text)
}
