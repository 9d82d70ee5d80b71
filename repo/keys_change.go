package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// Encrypted reports whether the repository is.
func (r *Repository) Encrypted() bool { return r.envelope != nil }

// SameIDs reports whether two repositories agree on every id, so that chunks
// can go from one to the other as they are.
func (r *Repository) SameIDs(other *Repository) bool { return r.secrets.IDs == other.secrets.IDs }

// Keys lists the keys, the oldest first; damaged ones, and such as are not of
// this repository, last. ErrPlain where there are none.
func (r *Repository) Keys(ctx context.Context) ([]KeyInfo, error) {
	if !r.Encrypted() {
		return nil, fmt.Errorf("%s: %w", r.Location(), ErrPlain)
	}
	files, err := readKeys(ctx, r.store)
	if err != nil {
		return nil, err
	}
	var keys []KeyInfo
	for _, f := range files {
		k, err := KeyInfo{}, f.damaged
		if err == nil {
			k, err = r.envelope.readNote(f.wrapped, f.note)
		}
		if err != nil {
			k = KeyInfo{Damaged: err}
		}
		k.ID, k.Current = f.id, f.id == r.key
		keys = append(keys, k)
	}
	slices.SortStableFunc(keys, func(a, b KeyInfo) int {
		if (a.Damaged == nil) != (b.Damaged == nil) {
			if a.Damaged == nil {
				return -1
			}
			return 1
		}
		return a.Created.Compare(b.Created)
	})
	return keys, nil
}

// AddKey lets somebody else open the repository too.
func (r *Repository) AddKey(ctx context.Context, k NewKey) (KeyInfo, error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return KeyInfo{}, err
	}
	if len(keys) >= maxKeys {
		return KeyInfo{}, invalid("there are %d keys already, which is the most there can be", len(keys))
	}
	for _, old := range keys {
		if k.Recipient != "" && old.Recipient == k.Recipient {
			return KeyInfo{}, invalid("there is a key of %s already", k.Recipient)
		}
	}
	file, err := r.secrets.wrap(k, time.Now())
	if err != nil {
		return KeyInfo{}, err
	}
	id := chunk.FileHash(file)
	if err := r.store.Create(ctx, keyName(id), file); err != nil {
		return KeyInfo{}, err
	}
	wrapped, note, err := parseKey(file)
	if err != nil {
		return KeyInfo{}, err
	}
	info, err := r.envelope.readNote(wrapped, note)
	info.ID = id
	return info, err
}

// RemoveKey removes a key; nothing is encrypted anew. Refused is the one that
// opened the repository, and so the last one: the repository could never be
// opened again. Where somebody else removes that one at the same time with the key
// that is removed here, it is put back, and the error is ErrKeyConflict.
func (r *Repository) RemoveKey(ctx context.Context, k KeyInfo) error {
	if !r.Encrypted() {
		return fmt.Errorf("%s: %w", r.Location(), ErrPlain)
	}
	if k.ID == r.key {
		return invalid("key %s opened the repository; open it with another one to remove this one", k.Short())
	}
	own, err := backend.LoadAll(ctx, r.store, keyName(r.key))
	if err != nil {
		return fmt.Errorf("key %s, which opened the repository: %w", KeyInfo{ID: r.key}.Short(), err)
	}
	if err := r.store.Remove(ctx, keyName(k.ID)); err != nil {
		return err
	}
	// Of two that remove each other's key, the later one finds its own gone.
	_, err = backend.LoadAll(ctx, r.store, keyName(r.key))
	if !errors.Is(err, backend.ErrNotExist) {
		return err
	}
	if err := r.store.Create(ctx, keyName(r.key), own); err != nil && !errors.Is(err, backend.ErrExist) {
		return err
	}
	return fmt.Errorf("%w: key %s was removed by somebody else while it removed %s, and was put back",
		ErrKeyConflict, KeyInfo{ID: r.key}.Short(), k.Short())
}

// ReplaceKey puts a new key in the place of that which opened the repository.
// Both are there until the new one is durable.
func (r *Repository) ReplaceKey(ctx context.Context, k NewKey) (KeyInfo, error) {
	added, err := r.AddKey(ctx, k)
	if err != nil {
		return added, err
	}
	old := r.key
	r.key = added.ID
	if err := r.RemoveKey(ctx, KeyInfo{ID: old}); err != nil {
		return added, fmt.Errorf("the new key %s is there, but the old one could not be removed: %w", added.Short(), err)
	}
	return added, nil
}

// FindKey gives the key whose id begins so.
func (r *Repository) FindKey(ctx context.Context, word string) (KeyInfo, error) {
	keys, err := r.Keys(ctx)
	if err != nil {
		return KeyInfo{}, err
	}
	keys = slices.DeleteFunc(keys, func(k KeyInfo) bool { return !strings.HasPrefix(k.ID.String(), strings.ToLower(word)) })
	switch {
	case len(keys) == 0 || word == "":
		return KeyInfo{}, fmt.Errorf("%w: %q", ErrNoKey, word)
	case len(keys) > 1:
		return KeyInfo{}, fmt.Errorf("key %q: %w", word, ErrAmbiguousKey)
	}
	return keys[0], nil
}

// shortKey is how many digits name a key for people.
const shortKey = 8

// Short is the beginning of the key's id.
func (k KeyInfo) Short() string { return k.ID.String()[:shortKey] }
