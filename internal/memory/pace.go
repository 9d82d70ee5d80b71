package memory

import (
	"sync/atomic"
	"time"
)

const (
	// least is from where on garbage is collected without waiting for as much again
	// to come together. A snapshot keeps some 25 MB alive (two pages, a row group,
	// what encodes them), whatever the size of the collection, and leaves little
	// garbage: with this limit it takes 60 MB of resident memory, a third of that the
	// program itself, and a collection comes every 0.2 s.
	least = 44 << 20

	// own is what the runtime takes itself, and its tables.
	own = 6 << 20

	// Where much garbage comes, as where chunks are decoded and not kept, collections
	// less than often apart raise the limit by room, until they are rarer or it is
	// mostRoom. A collection takes about 10 ms of processor time: a snapshot of 100
	// thousand records is verified in half the time.
	often    = 40 * time.Millisecond
	room     = 4 << 20
	mostRoom = 20 << 20
)

var frugal atomic.Bool

// Frugal says that memory is worth more than the time for collecting garbage more
// often, from now on: for what goes on beside somebody else's work.
func Frugal() { frugal.Store(true) }

// pace is how the limit goes on.
type pace struct {
	limit int64
	last  time.Time // when garbage was collected
	extra int64     // room that frequent collections made
}

// next gives the limit after a collection that found so many bytes alive, so long
// after the one before. There is always room for garbage of an eighth of what is
// alive.
func (p *pace) next(alive int64, since time.Duration) int64 {
	switch {
	case since < often && !frugal.Load():
		p.extra = min(p.extra+room, mostRoom)
	case since > 10*often:
		p.extra = max(p.extra-room, 0)
	}
	return max(least, alive+alive/8+own) + p.extra
}
