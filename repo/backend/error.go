package backend

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// Error is what a person needs to know about a failed call.
type Error struct {
	Op    string // save, create, load, list, remove, now, open, lock or unlock
	Where string // the path or address of the object
	Kind  error  // one of this package's sentinels, or nil
	Err   error  // the cause below, or nil
}

func (e *Error) Error() string {
	s := e.Op + " " + e.Where + ": "
	switch {
	case e.Kind == nil:
		s += e.Err.Error()
	case e.Err == nil, e.Kind == ErrNotExist, e.Kind == ErrExist: // the cause says the same
		s += e.Kind.Error()
	default:
		s += e.Kind.Error() + " (" + e.Err.Error() + ")"
	}
	if hint := e.Hint(); hint != "" {
		s += "; " + hint
	}
	return s
}

// Hint says what to do next, or nothing. It is part of Error's text.
func (e *Error) Hint() string {
	switch e.Kind {
	case ErrNoSpace:
		return "free some space there, or raise the quota, and run the command again"
	case ErrReadOnly:
		return "allow this user to write there, or choose another place"
	case ErrName:
		return "names are of a-z, 0-9, '.', '_', '-' with single slashes between, and no segment begins with '.' or 'tmp-'"
	}
	return ""
}

// Unwrap makes errors.Is find both the sentinel and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// fileError turns an error of package os into an Error. The os error's own
// operation and path, often those of a temporary file, are dropped.
func fileError(op, where string, err error) error {
	if err == nil {
		return nil
	}
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		err = pe.Err
	case errors.As(err, &le):
		err = le.Err
	}
	return &Error{Op: op, Where: where, Kind: kindOf(op, err), Err: err}
}

func kindOf(op string, err error) error {
	writes := op != "load" && op != "list" && op != "open"
	makes := writes && op != "remove"
	switch {
	case isNoSpace(err):
		return ErrNoSpace
	case writes && isReadOnly(err):
		return ErrReadOnly
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotExist
	case !makes && op != "open" && errors.Is(err, syscall.ENOTDIR):
		return ErrNotExist // what would be its folder is an object
	}
	return nil
}
