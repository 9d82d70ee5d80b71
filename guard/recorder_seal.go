package guard

import "context"

// Points stand in an object each until there are so many, or they have so many
// bytes together. At the end of a run a few are left as they are.
const (
	sealPoints = 256
	sealBytes  = 16 << 20
	sealFew    = 16
)

// grown counts a point that stands by itself, and has points sealed in the
// background where there are many. r.mu is held.
func (r *recorder) grown(ctx context.Context, bytes int64) {
	r.unsealed, r.unsealedBytes = r.unsealed+1, r.unsealedBytes+bytes
	if r.isSealing || r.unsealed < sealPoints && r.unsealedBytes < sealBytes {
		return
	}
	r.isSealing, r.unsealed, r.unsealedBytes = true, 0, 0
	r.sealing.Go(func() {
		r.seal(context.WithoutCancel(ctx))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.isSealing = false
	})
}

// seal seals what stands by itself. That it fails harms nobody: points are
// whole wherever they stand, and prune seals those that are left.
func (r *recorder) seal(ctx context.Context) { _ = r.store.SealPoints(ctx) }

// sealRest ends the sealing, once no point is made any more.
func (r *recorder) sealRest(ctx context.Context) {
	r.sealing.Wait()
	if r.unsealed >= sealFew {
		r.unsealed, r.unsealedBytes = 0, 0
		r.seal(ctx)
	}
}
