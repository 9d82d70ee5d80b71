package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// InitOptions say how a new repository shall be; the zero value serves.
type InitOptions struct {
	Created time.Time // zero: now

	// Keys open the repository; it is encrypted when there are any.
	Keys []NewKey

	// NoEncryption says that a repository on another machine need not be
	// encrypted. One on this machine is as it is asked for.
	NoEncryption bool

	// Like is a repository to share the id secret with, so that chunks can be
	// copied between the two as they are; nil: none. Where Like is plain, ids
	// are plain too, and the new repository may be encrypted all the same.
	Like *Repository
}

// remote is a backend that may say that its store is on another machine.
type remote interface{ Remote() bool }

func (o InitOptions) validate(be backend.Backend) error {
	for _, k := range o.Keys {
		if err := k.Validate(); err != nil {
			return err
		}
	}
	switch far, ok := be.(remote); {
	case len(o.Keys) > 0 && o.NoEncryption:
		return invalid("keys for a repository that is not to be encrypted")
	case len(o.Keys) > maxKeys:
		return invalid("%d keys, %d are allowed", len(o.Keys), maxKeys)
	case len(o.Keys) > 0:
	case o.Like != nil && o.Like.secrets.IDs != "":
		return invalid("a repository like %s must be encrypted too", o.Like.Location())
	case ok && far.Remote() && !o.NoEncryption:
		return fmt.Errorf("%s: %w", be.Location(), ErrEncryption)
	}
	return nil
}

// Init makes a repository in a store that is empty, or holds nothing but
// archives of earlier scripts, and opens it. The backend belongs to the
// Repository when there is no error. ErrExists when there is a repository,
// ErrNotEmpty (a NotEmptyError) when there is anything else.
func Init(ctx context.Context, be backend.Backend, o InitOptions) (*Repository, error) {
	if err := o.validate(be); err != nil {
		return nil, err
	}
	exists, err := backend.Exists(ctx, be, configName)
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, fmt.Errorf("%s: %w", be.Location(), ErrExists)
	}
	if err := checkEmpty(ctx, be); err != nil {
		return nil, err
	}
	c := newConfig(o.Created)
	r := &Repository{be: be, store: be, hasher: chunk.Plain(), packTarget: packTarget, sealAfter: sealAfter, clock: time.Now, known: newKnown()}
	keys, err := r.initKeys(ctx, &c, o)
	if err != nil {
		return nil, err
	}
	b, err := c.encode()
	if err != nil {
		return nil, err
	}
	err = be.Create(ctx, configName, b)
	if errors.Is(err, backend.ErrExist) { // somebody was faster
		for _, name := range keys {
			_ = be.Remove(ctx, name) // they open nothing
		}
		return nil, fmt.Errorf("%s: %w", be.Location(), ErrExists)
	}
	if err != nil {
		return nil, err
	}
	r.config = c
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// May stand where a repository shall be, and so may keys: of an Init that was
// cut short, since they are written first.
var (
	// archives of earlier scripts
	archiveFolders = []string{"snapshots", "manifests", "logs"}

	// what systems put into folders by themselves, by the beginning of the name
	systemNames = []string{
		"lost+found", "System Volume Information", "$RECYCLE.BIN", "@eaDir", "desktop.ini", "Thumbs.db",
		".DS_Store", ".localized", ".Trash", ".fseventsd", ".Spotlight-", ".TemporaryItems", ".snapshot", ".zfs", ".nfs",
		"tmp-", // of an Init that was cut short
	}
	ownFolders = []string{packsFolder, indexFolder, rootsFolder, listsFolder, notesFolder, auditFolder, keysFolder, marksFolder}
)

// namesShown is how many names a message lists.
const namesShown = 5

func checkEmpty(ctx context.Context, be backend.Backend) error {
	names, err := namesIn(ctx, be, "")
	if err != nil {
		return err
	}
	keys, err := namesIn(ctx, be, keysFolder)
	if err != nil {
		return err
	}
	onlyKeys := !slices.ContainsFunc(keys, func(name string) bool { _, ok := parseHex(name); return !ok })
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.Contains(archiveFolders, name) || name+"/" == keysFolder && onlyKeys ||
			slices.ContainsFunc(systemNames, func(s string) bool { return strings.HasPrefix(name, s) })
	})
	if len(names) == 0 {
		return nil
	}
	e := &NotEmptyError{Where: be.Location(), Found: names, Hint: "choose an empty or new folder"}
	if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(ownFolders, name+"/") }) {
		e.Hint = "it looks like a repository without its " + configName + ": put that file back, or choose another folder"
	}
	if len(names) > namesShown {
		e.Found, e.More = names[:namesShown], len(names)-namesShown
	}
	return e
}

// namesIn lists what stands in a folder of the store, or in all of it. A folder
// of the system is asked by itself: what is not a valid name of an object is in
// the way too.
func namesIn(ctx context.Context, be backend.Backend, folder string) ([]string, error) {
	var names []string
	if local, ok := be.(*backend.Local); ok {
		entries, err := os.ReadDir(filepath.Join(local.Location(), folder))
		if errors.Is(err, fs.ErrNotExist) && folder != "" {
			err = nil
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	}
	err := be.List(ctx, folder, func(info backend.Info) error {
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Name, folder), "/")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}
