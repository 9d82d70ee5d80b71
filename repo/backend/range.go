package backend

import (
	"errors"
	"strconv"
)

// errRange is a mistake of the caller's code, not a state of the store.
var errRange = errors.New("a negative offset goes with a negative length")

// checkRange refuses what no object could answer.
func checkRange(where string, offset, length int64) error {
	if offset < 0 && length >= 0 {
		return &Error{Op: "load", Where: where, Err: errRange}
	}
	return nil
}

// within resolves Load's offset and length against an object of size bytes.
func within(where string, offset, length, size int64) (from, n int64, err error) {
	switch {
	case offset < 0:
		from = max(size+offset, 0)
		return from, size - from, nil
	case offset > size || length > size-offset:
		return 0, 0, &Error{Op: "load", Where: where, Kind: ErrShort}
	case length < 0:
		return offset, size - offset, nil
	}
	return offset, length, nil
}

// quote makes a name that is not to be trusted safe to print.
func quote(name string) string {
	if len(name) > maxName {
		name = name[:maxName] + "..."
	}
	return strconv.QuoteToASCII(name)
}
