//go:build !linux

package bench

import "testing"

// warm does nothing: only on Linux is it known how.
func warm(*testing.B) {}
