package guard

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func TestGates(t *testing.T) {
	g := newGates()
	var inside [3]atomic.Int32
	var inAll atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 500 {
				if i == 0 || rand.IntN(10) == 0 {
					leave, err := g.enter(t.Context(), "")
					if err != nil {
						t.Error(err)
						return
					}
					if inAll.Add(1) != 1 || inside[0].Load()+inside[1].Load()+inside[2].Load() != 0 {
						t.Error("not alone")
					}
					inAll.Add(-1)
					leave()
					continue
				}
				c := rand.IntN(3)
				leave, err := g.enter(t.Context(), fmt.Sprint(c))
				if err != nil {
					t.Error(err)
					return
				}
				if inside[c].Add(1) != 1 || inAll.Load() != 0 {
					t.Error("two in one gate")
				}
				inside[c].Add(-1)
				leave()
			}
		})
	}
	wg.Wait()
}

// TestGateGivenUp demands that who waits no longer is in nobody's way.
func TestGateGivenUp(t *testing.T) {
	g := newGates()
	leave, err := g.enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := g.enter(ctx, "")
		done <- err
	}()
	cancel()
	if err := <-done; err == nil {
		t.Error("it entered")
	}
	other, err := g.enter(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	leave()
}
