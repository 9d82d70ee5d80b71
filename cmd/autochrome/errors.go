package main

import (
	"errors"
	"fmt"
	"strings"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/restore/archive"
	"autochrome/snapshot"
)

// usageError: the command line is wrong.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }
func (e *usageError) Hint() string  { return e.hint }

func usage(hint, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), hint}
}

// unfinishedError: the command did its work, and something remains.
type unfinishedError struct{ message, hint string }

func (e *unfinishedError) Error() string { return e.message }
func (e *unfinishedError) Hint() string  { return e.hint }

func unfinished(hint, format string, args ...any) error {
	return &unfinishedError{fmt.Sprintf(format, args...), hint}
}

// hintedError adds what to do next to an error.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Hint() string  { return e.hint }
func (e *hintedError) Unwrap() error { return e.error }

// explain gives an error as one line, and what to do next or "".
func explain(err error) (message, hint string) {
	hint = hintOf(err)
	message = err.Error()
	if hint != "" {
		message = strings.Replace(message, "; "+hint, "", 1) // some errors say it in their text
	}
	return strings.Join(strings.FieldsFunc(message, func(r rune) bool { return r == '\n' || r == '\r' }), "; "), hint
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		return hinted.Hint()
	}
	if e := new(repo.NotEmptyError); errors.As(err, &e) {
		return e.Hint
	}
	if e := new(repo.FindError); errors.As(err, &e) {
		return e.Hint
	}
	for _, h := range hints {
		if errors.Is(err, h.is) {
			return h.hint
		}
	}
	return ""
}

// hints say what to do next about errors from below.
var hints = []struct {
	is   error
	hint string
}{
	{repo.ErrNoRepository, "name another place with --repo, or make a repository with: autochrome snapshot create, or autochrome init"},
	{repo.ErrExists, "use it as it is, or name another place with --repo"},
	{repo.ErrPlain, "keys are of encrypted repositories: autochrome init --encrypt"},
	{repo.ErrLocked, "wait for its end, or stop that process; see: autochrome guard status"},
	{repo.ErrNoKey, "see: autochrome key list"},
	{repo.ErrKeyConflict, "see which keys there are now: autochrome key list"},
	{repo.ErrAmbiguousKey, "give more letters; see: autochrome key list"},
	{repo.ErrEncryption, "--encrypt or --recipient; or, if everybody there may read it, --no-encryption"},
	{repo.ErrNoSnapshot, "see: autochrome snapshot list"},
	{repo.ErrAmbiguous, "give more letters; see: autochrome snapshot list"},
	{repo.ErrIndexFirst, "autochrome repair index, and then this again"},
	{repo.ErrNotPruned, "put the damaged file back from a copy, or see autochrome repair --help; what is not needed costs space and no more"},
	{repo.ErrDamaged, "see what is affected: autochrome snapshot verify ID; what a damaged file does not hold can still be restored"},
	{archive.ErrArchive, "nothing was stored; get it again from where it came from, and see all that is wrong with it: autochrome verify FILE"},
	{archive.ErrSealed, "--decrypt-with FILE names the age identity of one of those that it was encrypted to"},
	{guard.ErrNoRun, "see: autochrome guard list"},
	{snapshot.ErrShrunken, "is this the right server, --tenant and --database? if it is right that so little is left: --allow-shrink, and then autochrome snapshot accept"},
	{snapshot.ErrInconsistent, "nothing was stored; stop what is writing, or take it as it is without --consistent and --fail-if-moving"},
	{restore.ErrPlanFile, "nothing was changed; make a new plan: autochrome rollback ID --plan-out FILE"},
	{restore.ErrDeclined, "nothing was changed; --dry-run shows the plan, --yes goes on without a question"},
	{chroma.ErrReserved, "nothing was sent that could harm the server"},
	{chroma.ErrNotFound, "name the tenant and the database with --tenant and --database"},
	{chroma.ErrInvalid, "the server does not take this; is it older than the one that the snapshot is of?"},
}
