package archive

import (
	"context"
	"io"
)

// ReadManifest gives an archive's manifest, and looks at nothing else but the
// names of its files.
func ReadManifest(ctx context.Context, in io.Reader, identities Identities) (Manifest, error) {
	unpacked, err := open(in, identities)
	if err != nil {
		return Manifest{}, err
	}
	defer unpacked.close()
	if unpacked.lines {
		return Manifest{}, errLines
	}
	var m *Manifest
	err = files(ctx, unpacked, func(name string, body []byte) error {
		if name != manifestName {
			return nil
		}
		read, err := parseManifest(body)
		if err != nil {
			return &FileError{name, err}
		}
		m = &read
		return nil
	})
	if err == nil && m == nil {
		err = wrong(manifestName, "it is missing: the archive is cut short, or none of this kind")
	}
	if err != nil {
		return Manifest{}, err
	}
	return *m, nil
}
