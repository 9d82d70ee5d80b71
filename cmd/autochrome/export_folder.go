package main

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"autochrome/restore/archive"
)

// The layouts of export.
const (
	layoutFile = "file"
	layoutDir  = "dir"
)

// loggedJSON is a line of logs/export.log.
type loggedJSON struct {
	Time       time.Time `json:"time"`
	SnapshotID string    `json:"snapshot_id"`
	File       string    `json:"file"`
	SHA256     string    `json:"sha256"`
	Bytes      int64     `json:"bytes"`
	Records    int64     `json:"records"`
	Command    string    `json:"command"`
}

// exportFolder writes an archive and what earlier scripts look for beside it:
// snapshots/ID.tar.gz with its sum, manifests/ID.json, which is the manifest in
// it, and a line of logs/export.log. It gives the archive's path.
func (s *session) exportFolder(folder, id string, force bool, write func(io.Writer) error, w *archive.Written) (string, error) {
	name := id + ".tar.gz"
	if len(s.flags.StringSlice("encrypt-to")) > 0 {
		name += ".age"
	}
	path, manifest := filepath.Join(folder, "snapshots", name), filepath.Join(folder, "manifests", id+".json")
	if err := freeToWrite(force, path, path+sumSuffix, manifest); err != nil {
		return path, err
	}
	for _, sub := range []string{"snapshots", "manifests", "logs"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o777); err != nil { // and the umask
			return path, err
		}
	}
	if err := s.exportFile(path, write, func() string { return w.SHA256 }); err != nil {
		return path, err
	}
	text, err := w.Manifest.Encode()
	if err != nil {
		return path, err
	}
	err = writeWhole(manifest, func(to io.Writer) error {
		_, err := to.Write(text)
		return err
	})
	if err != nil {
		return path, err
	}
	log, err := os.OpenFile(filepath.Join(folder, "logs", "export.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return path, err
	}
	err = writeJSON(log, loggedJSON{s.begun.UTC(), id, filepath.Join("snapshots", name), w.SHA256, w.Bytes, w.Manifest.TotalChunks, s.command})
	if e := log.Close(); err == nil {
		err = e
	}
	return path, err
}
