package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// Annotate says something about a snapshot.
func (r *Repository) Annotate(ctx context.Context, a Annotation) error {
	if a.Time.IsZero() {
		a.Time = time.Now()
	}
	a.Time = a.Time.UTC().Truncate(time.Millisecond).Round(0)
	a.Nonce = newNonce()
	if a.Host == "" && a.User == "" {
		a.Host, a.User = whoami()
	}
	b, err := encodeAnnotation(a)
	if err != nil {
		return invalid("annotation: %v", err)
	}
	return r.be.Save(ctx, noteFile(chunk.FileHash(b)), b)
}

// Annotations gives what is said about snapshots, as it stands in the store
// now. Of those about the same snapshot and key the one that the store got last
// counts; where its clock does not tell, the one that was made last. Damaged
// ones are left out; Damaged names them afterwards.
func (r *Repository) Annotations(ctx context.Context) (map[chunk.ID]Notes, error) {
	infos, err := r.list(ctx, notesFolder)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	all := map[string]Annotation{}
	err = each(ctx, infos, func(ctx context.Context, info backend.Info) error {
		a, err := r.readAnnotation(ctx, info)
		damaged, err := damage(err)
		if errors.Is(err, errVanished) {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if damaged == nil {
			all[info.Name] = a
		}
		r.setDamaged(info.Name, damaged)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[chunk.ID]Notes{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		if out[a.Snapshot] == nil {
			out[a.Snapshot] = Notes{}
		}
		if b, ok := out[a.Snapshot][a.Key]; !ok || !a.before(b) {
			out[a.Snapshot][a.Key] = a
		}
	}
	return out, nil
}

func (a Annotation) before(b Annotation) bool {
	if c := a.Stored.Compare(b.Stored); c != 0 {
		return c < 0
	}
	return a.Time.Before(b.Time)
}

func (r *Repository) readAnnotation(ctx context.Context, info backend.Info) (Annotation, error) {
	r.mu.RLock()
	a, ok := r.known.notes[info.Name]
	r.mu.RUnlock()
	if !ok {
		id, named := parseNamed(notesFolder, info.Name)
		if !named {
			return a, corrupt("not the name of an annotation")
		}
		if info.Size > maxAnnotation {
			return a, corrupt("annotation: of %d bytes", info.Size)
		}
		b, err := backend.LoadAll(ctx, r.be, info.Name)
		if err != nil {
			return a, err
		}
		if chunk.FileHash(b) != id {
			return a, corrupt("annotation: its name is not the hash of its bytes")
		}
		if a, err = decodeAnnotation(b); err != nil {
			return a, err
		}
		r.mu.Lock()
		r.known.notes[info.Name] = a
		r.mu.Unlock()
	}
	a.Stored = info.Modified
	return a, nil
}

// setDamaged notes what is wrong with a file, or that nothing is.
func (r *Repository) setDamaged(name string, damaged error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if damaged == nil {
		delete(r.known.damaged, name)
	} else {
		r.known.damaged[name] = damaged
	}
}

func encodeAnnotation(a Annotation) ([]byte, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	b, err := canonicalJSON(a)
	if err != nil {
		return nil, err
	}
	head := append([]byte(annotationMagic), annotationVersion)
	if len(head)+len(b) > maxAnnotation {
		return nil, fmt.Errorf("%d bytes, %d are allowed", len(b), maxAnnotation)
	}
	return append(head, b...), nil
}

func decodeAnnotation(file []byte) (Annotation, error) {
	var a Annotation
	b, err := openFile(file, annotationMagic, annotationVersion, "annotation")
	if err != nil {
		return a, err
	}
	if err := parseCanonical(b, &a); err != nil {
		return a, corrupt("annotation: %v", err)
	}
	if err := a.validate(); err != nil {
		return a, corrupt("annotation: %v", err)
	}
	return a, nil
}

func (a Annotation) validate() error {
	if a.Snapshot.IsZero() {
		return errors.New("it names no snapshot")
	}
	switch {
	case strings.HasPrefix(a.Key, tagPrefix):
		if err := validText("tag", strings.TrimPrefix(a.Key, tagPrefix), maxName); err != nil {
			return err
		}
	case !slices.Contains(annotationKeys, a.Key):
		return fmt.Errorf("unknown key %q", a.Key)
	}
	if a.Removed && a.Value != "" {
		return errors.New("a value where something is removed")
	}
	if err := validNonce(a.Nonce); err != nil {
		return err
	}
	return validTime(a.Time)
}
