//go:build !linux

package memory

// UseHugePages does nothing: only Linux is asked for them.
func UseHugePages(int) {}
