package repo

import (
	"context"
	"slices"

	"autochrome/chunk"
)

// initKeys makes a new repository an encrypted one, if there shall be keys.
// They are durable before autochrome.json: a repository that is there can be
// opened. It gives the names of their files.
func (r *Repository) initKeys(ctx context.Context, c *config, o InitOptions) (names []string, err error) {
	if len(o.Keys) == 0 {
		return nil, nil
	}
	s := secrets{Repository: c.ID, Data: newSecret(), IDs: newSecret()}
	if o.Like != nil {
		s.IDs = o.Like.secrets.IDs
	}
	c.Envelope = envelopeXChaCha
	if s.IDs != "" {
		c.IDs = idsKeyed
	}
	r.config = *c
	for _, k := range slices.Backward(o.Keys) { // the first one is the current one
		file, err := s.wrap(k, c.Created)
		if err != nil {
			return names, err
		}
		key := keyFile{id: chunk.FileHash(file)}
		if key.wrapped, key.note, err = parseKey(file); err != nil {
			return names, err
		}
		if err := r.store.Create(ctx, keyName(key.id), file); err != nil {
			return names, err
		}
		if err := r.use(s, key); err != nil {
			return names, err
		}
		names = append(names, keyName(key.id))
	}
	return names, nil
}
