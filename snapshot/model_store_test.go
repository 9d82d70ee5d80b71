package snapshot_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// store is a repository in memory and the model of it.
type store struct {
	name   string
	disk   *backend.Memory
	plug   *plug
	secret string // identity; "": plain

	mu   sync.Mutex
	held map[string]*held // by the snapshot's name
}

// held is what the model knows of a snapshot.
type held struct {
	snapshot repo.Snapshot
	content  string
	state    state
	kept     bool // it is on hold, for certain
	touched  int  // deletions, and what takes them back, in this step
	story    []string
}

type state int

const (
	alive   state = iota
	deleted       // and its record may be there, so that it can be brought back
	gone          // with its record
	unsure        // alive, deleted or gone: whoever did it does not know
	maybe         // was never acknowledged: alive or gone
)

func newStore(t *testing.T, name string, encrypted bool, like *repo.Repository) *store {
	t.Helper()
	s := &store{name: name, disk: &backend.Memory{Clock: rising()}, held: map[string]*held{}}
	s.plug = &plug{s: s}
	o := repo.InitOptions{Like: like}
	if encrypted {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		s.secret, o.Keys = id.String(), []repo.NewKey{{Recipient: id.Recipient().String()}}
	}
	if _, err := repo.Init(t.Context(), s.disk, o); err != nil {
		t.Fatal(err)
	}
	return s
}

// rising gives a clock that never tells the same time twice.
func rising() func() time.Time {
	var mu sync.Mutex
	var last time.Time
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if !now.After(last) {
			now = last.Add(time.Millisecond)
		}
		last = now
		return now
	}
}

func (s *store) tryOpen(ctx context.Context, be backend.Backend) (*repo.Repository, error) {
	return repo.OpenWith(ctx, be, repo.OpenOptions{Unlock: func(context.Context) (repo.Credential, error) {
		return repo.NewCredential("", strings.NewReader(s.secret))
	}})
}

func (s *store) open(w *world, be backend.Backend) *repo.Repository {
	w.Helper()
	r, err := s.tryOpen(w.ctx, be)
	if err != nil {
		w.fatal("open %s: %v", s.name, err)
	}
	return r
}

// begin notes that a snapshot is about to be made.
func (s *store) begin(name, content string) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &held{content: content, state: maybe}
	s.held[name] = h
	return h
}

func (s *store) made(h *held, made repo.Snapshot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		h.snapshot, h.state = made, alive
	}
}

func (s *store) get(name string) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[name]
}

// becomes notes what somebody did to a snapshot. Of two in one step it is not
// known who was last.
func (s *store) becomes(h *held, state state, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.story = append(h.story, fmt.Sprintf("%s: becomes %d: %v", time.Now().Format("02 15:04"), state, err))
	if h.touched++; err != nil || h.touched > 1 {
		state = unsure
	}
	h.state = state
}

// copied notes that a snapshot of another store was copied into this one.
func (s *store) copied(from *held, made repo.Snapshot, pruning bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[made.Name]
	if h == nil {
		h = &held{state: maybe}
		s.held[made.Name] = h
	}
	pruning = pruning && h.state == deleted // its record may be about to be removed
	h.snapshot, h.content = made, from.content
	h.story = append(h.story, fmt.Sprintf("%s: copied", time.Now().Format("02 15:04")))
	if h.state = alive; h.touched > 0 || pruning {
		h.state = unsure
	}
	h.touched++
}

// perhaps notes that any snapshot of another store may have been copied.
func (s *store) perhaps(from *store, again bool) {
	from.mu.Lock()
	have := maps.Clone(from.held)
	from.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, h := range have {
		switch own := s.held[name]; {
		case own == nil:
			s.held[name] = &held{content: h.content, state: maybe}
		case own.state == gone || again && own.state == deleted:
			own.state = unsure
		}
	}
}

// sure names the snapshots that are there for certain.
func (s *store) sure() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for name, h := range s.held {
		if h.state == alive && h.touched == 0 {
			names[name] = true
		}
	}
	return names
}

// is reports whether a snapshot is in a state.
func (s *store) is(h *held, state state) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.state == state
}

// some gives a random snapshot of these states, or nil.
func (s *store) some(rnd *rand.Rand, states ...state) *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*held
	for _, name := range slices.Sorted(maps.Keys(s.held)) {
		h := s.held[name]
		if slices.Contains(states, h.state) && !h.snapshot.ID.IsZero() {
			all = append(all, h)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[rnd.IntN(len(all))]
}
