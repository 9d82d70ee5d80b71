package snapshot_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/repo"
)

// TestModel does at random what can be done to repositories, by up to three
// clients at once, with faults, crashes and power cuts in between, and compares
// two repositories with a model of them after each step. AUTOCHROME_TEST_STEPS
// says how many steps, and AUTOCHROME_TEST_SEED which. Where clients are at
// work at once the seed does not say in which order they take turns.
func TestModel(t *testing.T) {
	steps, err := strconv.Atoi(cmp.Or(os.Getenv("AUTOCHROME_TEST_STEPS"), "400"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("AUTOCHROME_TEST_SEED"), strconv.FormatUint(rand.Uint64(), 10)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("AUTOCHROME_TEST_SEED=%d", seed)
	kinds := []struct {
		name      string
		encrypted bool
		grace     time.Duration
	}{
		{"plain", false, repo.DefaultGrace},
		{"plain without grace", false, repo.NoGrace},
		{"encrypted", true, repo.DefaultGrace},
		{"encrypted without grace", true, repo.NoGrace},
	}
	for round := 0; round*len(kinds)*stepsOfOne < steps; round++ {
		for i, k := range kinds {
			t.Run(fmt.Sprint(k.name, " ", round), func(t *testing.T) {
				withoutWaiting(t, func(t *testing.T) {
					w := newWorld(t, rand.New(rand.NewPCG(seed, uint64(round*len(kinds)+i))), k.encrypted, k.grace)
					w.live(min(stepsOfOne, (steps+len(kinds)-1)/len(kinds)-round*stepsOfOne))
				})
			})
		}
	}
}

// stepsOfOne is how many steps a world lasts: longer ones get slow.
const stepsOfOne = 250

// world is two repositories, those who use them, and what should be in them.
type world struct {
	*testing.T
	ctx     context.Context
	rnd     *rand.Rand
	grace   time.Duration
	main    *store
	copies  *store
	clients []*client
	names   int    // given to snapshots
	at      string // for messages

	mu     sync.Mutex
	done   map[string]int
	failed map[string]int // what others did made it fail, or a fault
	now    *happening
}

// happening is what goes on in a step.
type happening struct {
	clients int
	pruning bool         // somebody prunes
	faults  bool         // somebody is struck
	copies  atomic.Int32 // that were begun
	deletes atomic.Bool  // somebody deletes snapshots
	acts    []string     // for messages
}

func newWorld(t *testing.T, rnd *rand.Rand, encrypted bool, grace time.Duration) *world {
	w := &world{T: t, ctx: t.Context(), rnd: rnd, grace: grace, done: map[string]int{}, failed: map[string]int{}}
	w.main = newStore(t, "main", encrypted, nil)
	var like *repo.Repository
	if rnd.IntN(2) == 0 {
		like = w.main.open(w, w.main.disk)
	}
	w.copies = newStore(t, "copies", encrypted || rnd.IntN(2) == 0, like)
	for i := range 3 {
		c := &client{w: w, name: fmt.Sprint("client ", i), source: fmt.Sprint("source", i), live: newFake()}
		c.live.create("docs")
		c.live.create("other")
		w.clients = append(w.clients, c)
	}
	return w
}

// live goes through a number of steps, and to the end.
func (w *world) live(steps int) {
	for n := range steps {
		w.at = fmt.Sprint("step ", n)
		w.step()
		w.compare()
		if n%20 == 19 {
			w.inspect()
		}
	}
	w.end()
	w.Logf("did %v; failed for a reason %v", w.done, w.failed)
}

// step lets one client do something, or several at once.
func (w *world) step() {
	if w.rnd.IntN(4) == 0 { // else all is done at one time
		time.Sleep([]time.Duration{time.Minute, time.Hour, 6 * time.Hour, 25 * time.Hour}[w.rnd.IntN(4)])
	}
	time.Sleep(time.Second)
	if w.rnd.IntN(20) == 0 {
		w.damage()
		return
	}
	n := []int{1, 1, 2, 3}[w.rnd.IntN(4)]
	w.now = &happening{clients: n}
	if w.rnd.IntN(12) == 0 {
		w.now.faults = true
		for _, s := range []*store{w.main, w.copies} {
			s.plug.pull(w.rnd, 1+w.rnd.IntN(30))
		}
	}
	var wg sync.WaitGroup
	for _, i := range w.rnd.Perm(len(w.clients))[:n] {
		c := w.clients[i]
		c.prepare(rand.New(rand.NewPCG(w.rnd.Uint64(), 0)))
		wg.Go(c.act)
	}
	wg.Wait()
	for _, c := range w.clients {
		c.settle()
	}
	for _, s := range []*store{w.main, w.copies} {
		if s.plug.plugIn() {
			w.done["power cut"]++
			for _, c := range w.clients {
				c.forget()
			}
		}
	}
}

// count notes that something was done.
func (w *world) count(what string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[what]++
	if err != nil {
		w.failed[what]++
	}
}

func (w *world) name() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names++
	return fmt.Sprint("n", w.names)
}

// fatal says where in the walk something is wrong.
func (w *world) fatal(format string, args ...any) {
	w.Helper()
	w.Fatalf("%s: %s", w.at, fmt.Sprintf(format, args...))
}
