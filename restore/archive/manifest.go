package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
)

// manifestVersion is that of the archive's layout.
const manifestVersion = 1

// Status says what became of a snapshot. Export writes Created: that a
// repository verified or restored it is no property of the snapshot, and would
// make two archives of it differ.
type Status string

// The values of Status.
const (
	Created  Status = "created"
	Verified Status = "verified"
	Restored Status = "restored"
	Failed   Status = "failed"
)

// Manifest is manifest.json; docs/manifest.schema.json says what the fields
// mean. All of them are the snapshot's own: none depends on the repository, the
// clock or what was done with it later.
type Manifest struct {
	Version          int                  `json:"manifest_version,omitempty"`
	SnapshotID       string               `json:"snapshot_id"`
	Identity         string               `json:"identity,omitempty"`
	Name             string               `json:"name,omitempty"`
	Timestamp        time.Time            `json:"timestamp"`
	Source           string               `json:"source,omitempty"`
	Tenant           string               `json:"tenant,omitempty"`
	Database         string               `json:"database,omitempty"`
	Scope            []string             `json:"scope,omitempty"` // names of collections; nil: all
	Capture          repo.Capture         `json:"capture,omitempty"`
	Tags             map[string]string    `json:"tags,omitempty"`
	Unreadable       []string             `json:"unreadable,omitempty"`
	ChromaURL        string               `json:"chromadb_url"`
	ChromaVersion    *string              `json:"chromadb_version"`
	Collections      []ManifestCollection `json:"collections"`
	TotalChunks      int64                `json:"total_chunks"` // records: an old name
	TotalCollections int                  `json:"total_collections"`
	SizeMB           float64              `json:"snapshot_size_mb"`
	Checksum         *string              `json:"checksum_sha256"`
	Ratio            *float64             `json:"compression_ratio"`
	Status           Status               `json:"status"`
	Error            *string              `json:"error_message"`
	Until            *time.Time           `json:"retention_until"`
	Batches          []Batch              `json:"batch_metadata"`
}

// ManifestCollection is a collection in the manifest.
type ManifestCollection struct {
	description
	Folder   string       `json:"folder"`
	Count    int64        `json:"count"`
	Damaged  int64        `json:"damaged,omitempty"`
	Capture  repo.Capture `json:"capture,omitempty"`
	ServerID string       `json:"server_id,omitempty"`
	Checksum *string      `json:"checksum"`
}

// Batch is a file of records in the manifest.
type Batch struct {
	Collection string  `json:"collection"`
	File       string  `json:"file"`
	FirstID    string  `json:"first_id"`
	LastID     string  `json:"last_id"`
	Count      int     `json:"count"`
	Bytes      int64   `json:"bytes,omitempty"`
	SHA256     *string `json:"sha256"`
}

// description is what a collection is: collection.json, and part of the
// manifest.
type description struct {
	Name          string          `json:"name"`
	Dimension     *int            `json:"dimension"` // null: not known
	Metadata      json.RawMessage `json:"metadata"`
	Configuration json.RawMessage `json:"configuration"`
	Schema        json.RawMessage `json:"schema"`
	// Source is in collection.json only: a reader knows by it what the records
	// may be compared with, before it has seen the manifest.
	Source string `json:"source,omitempty"`
}

func describe(name string, d chunk.CollectionDescription) description {
	out := description{Name: name, Metadata: chunk.AppendMetadataJSON(nil, d.Metadata), Configuration: d.Configuration, Schema: d.Schema}
	if d.Dimension > 0 {
		out.Dimension = &d.Dimension
	}
	return out
}

// read gives what the description says.
func (d description) read() (out chunk.CollectionDescription, err error) {
	if d.Name == "" {
		return out, errors.New("the collection has no name")
	}
	if d.Dimension != nil {
		if out.Dimension = *d.Dimension; out.Dimension < 1 || out.Dimension > chunk.MaxDimension {
			return out, fmt.Errorf("a dimension of %d", out.Dimension)
		}
	}
	if len(d.Metadata) > 0 {
		if out.Metadata, err = chunk.DecodeMetadataJSON(d.Metadata); err != nil {
			return out, fmt.Errorf("metadata: %w", err)
		}
	}
	for _, f := range []struct {
		name string
		from json.RawMessage
		to   *[]byte
	}{{"configuration", d.Configuration, &out.Configuration}, {"schema", d.Schema, &out.Schema}} {
		if len(f.from) == 0 || string(f.from) == "null" {
			continue
		}
		if *f.to, err = chunk.CanonicalJSON(f.from); err != nil {
			return out, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return out, nil
}

// Encode gives the manifest as it stands in an archive.
func (m Manifest) Encode() ([]byte, error) { return indented(m) }

// indented is JSON for people: two spaces, and a line end.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// required are the fields that a manifest must have, null or not.
var required = []string{
	"snapshot_id", "timestamp", "chromadb_url", "chromadb_version", "collections", "total_chunks", "total_collections",
	"snapshot_size_mb", "checksum_sha256", "compression_ratio", "status", "error_message", "retention_until", "batch_metadata",
}

// parseManifest reads a manifest, also one that was written by hand. Fields that
// it does not know it leaves alone.
func parseManifest(text []byte) (m Manifest, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return m, err
	}
	for _, name := range required {
		if _, ok := fields[name]; !ok {
			return m, fmt.Errorf("the field %q is missing", name)
		}
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	return m, m.validate()
}

func (m Manifest) validate() error {
	switch m.Status {
	case Created, Verified, Restored, Failed:
	default:
		return fmt.Errorf("unknown status %q", m.Status)
	}
	switch m.Capture {
	case "", repo.CaptureStill, repo.CaptureIDsStable, repo.CaptureMoving:
	default:
		return fmt.Errorf("unknown capture %q", m.Capture)
	}
	switch {
	case m.Version > manifestVersion || m.Version < 0:
		return fmt.Errorf("it is of version %d, and this program knows %d", m.Version, manifestVersion)
	case m.SnapshotID == "":
		return errors.New("snapshot_id is empty")
	case m.Timestamp.Year() < 1970 || m.Timestamp.Year() > 9999:
		return fmt.Errorf("timestamp %v", m.Timestamp)
	case m.TotalCollections != len(m.Collections):
		return fmt.Errorf("total_collections is %d, and there are %d", m.TotalCollections, len(m.Collections))
	}
	names, folders := map[string]bool{}, map[string]bool{}
	for _, c := range m.Collections {
		if names[c.Name] || folders[c.Folder] {
			return fmt.Errorf("collection %q, folder %q: one of them stands twice", c.Name, c.Folder)
		}
		names[c.Name], folders[c.Folder] = true, true
		if !isFolder.MatchString(c.Folder) {
			return fmt.Errorf("collection %q: folder %q is not of the form collections/FOLDER", c.Name, c.Folder)
		}
		if _, err := c.read(); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	return nil
}
