package faulty

import (
	"strings"
	"sync"
)

// Counter counts operations that succeeded and the bytes they moved:
//
//	var c faulty.Counter
//	b := faulty.Wrap(inner, c.Count)
//
// Its zero value is ready.
type Counter struct {
	mu    sync.Mutex
	moved map[counted]Moved
}

// counted is what is summed apart.
type counted struct {
	Kind Kind
	Name string
}

// Moved is how much.
type Moved struct {
	Ops   int64
	Bytes int64 // saved or loaded
}

// Count is the Fault, a harmless one.
func (c *Counter) Count(op *Op, next func() error) error {
	err := next()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moved == nil {
		c.moved = make(map[counted]Moved)
	}
	key := counted{op.Kind, op.Name}
	m := c.moved[key]
	c.moved[key] = Moved{m.Ops + 1, m.Bytes + int64(len(op.Data))}
	return nil
}

// Sum is how much there was of these kinds (of all, without any) on names
// that begin with prefix.
func (c *Counter) Sum(prefix string, kinds ...Kind) Moved {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := Any(kinds...)
	var sum Moved
	for key, m := range c.moved {
		if strings.HasPrefix(key.Name, prefix) && of(&Op{Kind: key.Kind}) {
			sum.Ops += m.Ops
			sum.Bytes += m.Bytes
		}
	}
	return sum
}

// Reset forgets what was counted.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.moved)
}
