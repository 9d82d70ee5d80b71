package repo

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// keyFile is a key as it was read.
type keyFile struct {
	id            chunk.ID
	wrapped, note []byte
	damaged       error
}

func keyName(id chunk.ID) string { return keysFolder + id.String() }

// readKeys reads the files of all keys.
func readKeys(ctx context.Context, be backend.Backend) ([]keyFile, error) {
	var keys []keyFile
	err := be.List(ctx, keysFolder, func(info backend.Info) error {
		k := keyFile{}
		id, ok := parseNamed(keysFolder, info.Name)
		switch {
		case len(keys) == maxKeys:
			return fmt.Errorf("%s: more than %d keys", keysFolder, maxKeys)
		case !ok:
			return nil // nothing of ours
		case info.Size > maxKey:
			k.damaged = corrupt("key: of %d bytes", info.Size)
		default:
			b, err := backend.LoadAll(ctx, be, info.Name)
			if errors.Is(err, backend.ErrNotExist) {
				return nil // it was removed meanwhile
			}
			if err != nil && !isDamage(err) {
				return err
			}
			if k.damaged = err; err != nil {
				break
			}
			if chunk.FileHash(b) != id {
				k.damaged = corrupt("key: its name is not the hash of its bytes")
			} else {
				k.wrapped, k.note, k.damaged = parseKey(b)
			}
		}
		k.id = id
		keys = append(keys, k)
		return nil
	})
	return keys, err
}

// unlock finds the secrets with a credential. ErrWrongKey when no key is for
// it; a damaged key may have been.
func (r *Repository) unlock(ctx context.Context, c Credential) error {
	keys, err := readKeys(ctx, r.store)
	if err != nil {
		return err
	}
	var damaged error
	for _, k := range keys {
		var s secrets
		if err = k.damaged; err == nil {
			s, err = unwrap(k.wrapped, c, r.config.ID)
		}
		if err == nil {
			err = r.use(s, k)
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, ErrWrongKey) && damaged == nil:
			damaged = &DamagedFileError{keyName(k.id), err}
		}
	}
	if damaged != nil {
		return damaged
	}
	return fmt.Errorf("%s: %w", r.Location(), ErrWrongKey)
}

// use takes the secrets of a key for the repository's.
func (r *Repository) use(s secrets, k keyFile) error {
	if (s.IDs == "") != (r.config.IDs == idsPlain) {
		return corrupt("key: it is not for a repository whose ids are %q", r.config.IDs)
	}
	e, err := s.envelope()
	if err != nil {
		return corrupt("key: %v", err)
	}
	h, err := s.hasher()
	if err != nil {
		return corrupt("key: %v", err)
	}
	if _, err := e.readNote(k.wrapped, k.note); err != nil {
		return err
	}
	r.secrets, r.key, r.envelope, r.hasher = s, k.id, e, h
	r.be = &sealedStore{r.store, e}
	return nil
}

// auditWriter names the chain of a user on a host. In an encrypted repository
// who has no key cannot try names.
func (r *Repository) auditWriter(host, user string) string {
	if r.envelope == nil {
		return AuditWriter(host, user)
	}
	return AuditWriter(string(r.secrets.Data)+"\x00"+host, user)
}
