package main

import (
	"errors"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/snapshot"
)

// The exit codes; docs/errors.md describes them.
const (
	exitOK            = 0
	exitError         = 1
	exitUsage         = 2
	exitUnfinished    = 3 // done, but differences or damage remain
	exitNoRepository  = 10
	exitLocked        = 11 // another process is at it
	exitWrongKey      = 12
	exitChroma        = 20 // it does not answer, or refuses
	exitInconsistent  = 21 // not captured as consistently as asked
	exitRolledBack    = 30 // a guarded run failed and was rolled back
	exitNotRolledBack = 31 // a guarded run failed and was not
	exitInterrupted   = 130
)

// exitMeanings are the exit codes for the manual.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitError, "an error of any other kind"},
	{exitUsage, "the command line is wrong; nothing was done"},
	{exitUnfinished, "done, but differences or damage remain"},
	{exitNoRepository, "there is no repository"},
	{exitLocked, "another process is at the guarded run that was to go on"},
	{exitWrongKey, "no key of the repository is for the password or identity given"},
	{exitChroma, "Chroma does not answer, refuses, or failed"},
	{exitInconsistent, "not captured as consistently as asked; nothing was stored"},
	{exitRolledBack, "a guarded run failed and was rolled back"},
	{exitNotRolledBack, "a guarded run failed and was not rolled back"},
	{exitInterrupted, "interrupted"},
}

// exitCode is the one place that makes an exit code of an error.
func exitCode(err error, interrupted bool) int {
	var own interface{ exitCode() int }
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.exitCode()
	case interrupted:
		return exitInterrupted
	case errors.As(err, new(*usageError)):
		return exitUsage
	case errors.As(err, new(*unfinishedError)):
		return exitUnfinished
	case errors.Is(err, repo.ErrNoRepository):
		return exitNoRepository
	case errors.Is(err, snapshot.ErrInconsistent):
		return exitInconsistent
	case errors.Is(err, repo.ErrLocked):
		return exitLocked
	case errors.Is(err, repo.ErrWrongKey):
		return exitWrongKey
	case errors.As(err, new(*chroma.Error)):
		return exitChroma
	}
	return exitError
}
