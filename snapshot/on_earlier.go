package snapshot

import (
	"context"

	"autochrome/tree"
)

// BuilderOn builds a collection on an earlier state of it, as far as that can be
// read: what is lost of it is stored again.
func BuilderOn(ctx context.Context, store tree.Store, dim int, earlier tree.Collection) (*tree.Builder, error) {
	b, err := tree.NewBuilderOn(ctx, store, dim, earlier)
	if err == nil {
		b.SkipLost(func(err error) bool { return lost(ctx, err) })
		return b, nil
	}
	if !lost(ctx, err) {
		return nil, err
	}
	// A damaged tree is no base; what its chunks hold is known all the same.
	return tree.NewBuilder(store, dim), nil
}

// SaveRoot makes the root of collections on an earlier one, where that can be
// read.
func SaveRoot(ctx context.Context, store tree.Store, cs []tree.Collection, earlier tree.Root) (tree.Root, error) {
	root, err := tree.SaveRoot(ctx, store, cs, earlier)
	if lost(ctx, err) { // nothing of it is referred to then
		return tree.SaveRoot(ctx, store, cs, tree.Root{})
	}
	return root, err
}
