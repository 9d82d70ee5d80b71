package repo

import (
	"errors"
	"syscall"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// isDamage reports whether an error says that bytes are gone or are not what
// was written, and not merely that the store could not be asked just now.
func isDamage(err error) bool {
	for _, sign := range []error{
		index.ErrCorrupt, chunk.ErrCorrupt, backend.ErrNotExist, backend.ErrShort,
		syscall.EIO, // a disk cannot read its sectors
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
