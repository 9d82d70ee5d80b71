package faulty

import (
	"bytes"
	"errors"
	"sync"

	"autochrome/repo/backend"
)

// ErrInjected is what a fault answers where no other error is given.
var ErrInjected = errors.New("injected fault")

// Fail answers the matched operations with err (nil: ErrInjected) without
// doing them.
func Fail(match Match, err error) Fault {
	if err == nil {
		err = ErrInjected
	}
	return func(op *Op, next func() error) error {
		if match(op) {
			return err
		}
		return next()
	}
}

// LoseAnswer does the matched operations and then answers ErrInjected: the
// object was saved, the caller cannot know.
func LoseAnswer(match Match) Fault {
	return func(op *Op, next func() error) error {
		if !match(op) {
			return next()
		}
		return errors.Join(ErrInjected, next())
	}
}

// CutShort lets the matched saves keep only the first n bytes and say
// nothing, and the matched loads return only so many: a store that breaks its
// word.
func CutShort(match Match, n int) Fault {
	return alter(match, func(data []byte) []byte { return data[:min(n, len(data))] })
}

// FlipBit flips one bit of what the matched operations save or load, counted
// from the first byte's lowest and around the end.
func FlipBit(match Match, bit int) Fault {
	return alter(match, func(data []byte) []byte {
		data = bytes.Clone(data)
		if len(data) > 0 {
			data[bit/8%len(data)] ^= 1 << (bit % 8)
		}
		return data
	})
}

func alter(match Match, change func([]byte) []byte) Fault {
	return func(op *Op, next func() error) error {
		hit := match(op)
		if hit && (op.Kind == Save || op.Kind == Create) {
			op.Data = change(op.Data)
		}
		err := next()
		if hit && op.Kind == Load && err == nil {
			op.Data = change(op.Data)
		}
		return err
	}
}

// OutOfSpace answers a save with backend.ErrNoSpace when it would take what
// was saved since to more than n bytes. What is removed gives nothing back.
func OutOfSpace(n int64) Fault {
	var mu sync.Mutex
	return func(op *Op, next func() error) error {
		if op.Kind != Save && op.Kind != Create {
			return next()
		}
		mu.Lock()
		full := int64(len(op.Data)) > n
		if !full {
			n -= int64(len(op.Data))
		}
		mu.Unlock()
		if full {
			return &backend.Error{Op: string(op.Kind), Where: op.Name, Kind: backend.ErrNoSpace}
		}
		return next()
	}
}

// StaleList lets lists omit objects that were saved in the last n operations
// (the list is one of them): a store whose listings come late.
func StaleList(n int64) Fault {
	var mu sync.Mutex
	var count int64
	saved := make(map[string]int64) // name → number of the operation
	return func(op *Op, next func() error) error {
		mu.Lock()
		count++
		now := count
		mu.Unlock()
		if op.Kind == List {
			omit := op.Omit
			op.Omit = func(info backend.Info) bool {
				mu.Lock()
				defer mu.Unlock()
				at, ok := saved[info.Name]
				return ok && now-at < n || omit != nil && omit(info)
			}
		}
		err := next()
		if (op.Kind == Save || op.Kind == Create) && err == nil {
			mu.Lock()
			saved[op.Name] = now
			mu.Unlock()
		}
		return err
	}
}

// Hook calls before and after around each operation; either may be nil. With
// Memory.Clone they see what a crash just then would leave; before may also
// panic, or end the process.
func Hook(before func(op Op), after func(op Op, err error)) Fault {
	return func(op *Op, next func() error) error {
		if before != nil {
			before(*op)
		}
		err := next()
		if after != nil {
			after(*op, err)
		}
		return err
	}
}
