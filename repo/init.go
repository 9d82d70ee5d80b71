package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"autochrome/repo/backend"
)

// InitOptions say how a new repository shall be; the zero value serves.
type InitOptions struct {
	Created time.Time // zero: now
}

// Init makes a repository in a store that is empty, or holds nothing but
// archives of earlier scripts, and opens it. The backend belongs to the
// Repository when there is no error. ErrExists when there is a repository,
// ErrNotEmpty (a NotEmptyError) when there is anything else.
func Init(ctx context.Context, be backend.Backend, o InitOptions) (*Repository, error) {
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
	b, err := c.encode()
	if err != nil {
		return nil, err
	}
	err = be.Create(ctx, configName, b)
	if errors.Is(err, backend.ErrExist) {
		return nil, fmt.Errorf("%s: %w", be.Location(), ErrExists)
	}
	if err != nil {
		return nil, err
	}
	return Open(ctx, be)
}

// May stand beside a repository.
var (
	// archives of earlier scripts
	archiveFolders = []string{"snapshots", "manifests", "logs"}

	// what systems put into folders by themselves, by the beginning of the name
	systemNames = []string{
		"lost+found", "System Volume Information", "$RECYCLE.BIN", "@eaDir", "desktop.ini", "Thumbs.db",
		".DS_Store", ".localized", ".Trash", ".fseventsd", ".Spotlight-", ".TemporaryItems", ".snapshot", ".zfs", ".nfs",
		"tmp-", // of an Init that was cut short
	}

	ownFolders = []string{packsFolder, indexFolder, rootsFolder, notesFolder, auditFolder}
)

// namesShown is how many names a message lists.
const namesShown = 5

func checkEmpty(ctx context.Context, be backend.Backend) error {
	names, err := topNames(ctx, be)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return slices.Contains(archiveFolders, name) ||
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

// topNames lists what stands in the store. A folder is asked by itself: what
// is not a valid name of an object is in the way too.
func topNames(ctx context.Context, be backend.Backend) ([]string, error) {
	var names []string
	if local, ok := be.(*backend.Local); ok {
		entries, err := os.ReadDir(local.Location())
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	}
	err := be.List(ctx, "", func(info backend.Info) error {
		name, _, _ := strings.Cut(info.Name, "/")
		if len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}
