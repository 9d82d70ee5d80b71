package guard

import (
	"fmt"
	"runtime"
	"strings"
)

// faultless runs fn, and makes an error of a panic: a fault of ours while a write is
// recorded shall end in a rollback, and not in a process that is gone.
func faultless(fn func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("autochrome has a fault (%v%s); please report it", fault, faultAt())
		}
	}()
	return fn()
}

// faultAt says where it was in our code that a panic came, which is being recovered
// from.
func faultAt() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // without this and what called it
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "autochrome/") || strings.HasPrefix(f.Function, "main.") {
			return fmt.Sprintf(" in %s, line %d", f.Function, f.Line)
		}
		if !more {
			return ""
		}
	}
}
