package repo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// autochrome.json says what kind of repository this is. It is for people too,
// so there is no magic, and the checksum is a field: chunk.FileHash of the file
// without that field. The file is just as encode writes it.
const (
	configFormat    = 1
	idsPlain        = "plain"
	idsKeyed        = "keyed"
	envelopeXChaCha = "xchacha20-poly1305"

	idBytes = 16 // of a repository's id

	// maxConfig bounds the file, in bytes, also of formats to come.
	maxConfig = 1 << 20
)

// Format is the version of the format that this program reads and writes.
const Format = configFormat

type config struct {
	Format   int       `json:"format"`
	ID       string    `json:"id"` // 32 hexadecimal digits
	Created  time.Time `json:"created"`
	IDs      string    `json:"ids"`                // how chunk ids are made
	Envelope string    `json:"envelope,omitempty"` // how it is encrypted; "": not at all
	Sum      string    `json:"sum,omitempty"`      // filled in by encode
}

func newConfig(created time.Time) config {
	if created.IsZero() {
		created = time.Now()
	}
	var id [idBytes]byte
	_, _ = rand.Read(id[:]) // never fails
	return config{Format: configFormat, ID: hex.EncodeToString(id[:]), Created: created.UTC().Truncate(time.Second), IDs: idsPlain}
}

func (c config) encode() ([]byte, error) {
	c.Sum = ""
	b, err := c.text()
	if err != nil {
		return nil, err
	}
	c.Sum = chunk.FileHash(b).String()
	return c.text()
}

func (c config) text() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", "  ")
	return append(b, '\n'), err
}

// loadConfig loads the file: of one that is longer than it may be, its end, which
// cannot be decoded.
func loadConfig(ctx context.Context, be backend.Backend) ([]byte, error) {
	return be.Load(ctx, configName, -maxConfig, -1)
}

// decodeConfig tells a format of the future, which may say anything else, from
// a file that is damaged.
func decodeConfig(where string, b []byte) (config, error) {
	var head struct {
		Format   *int   `json:"format"`
		IDs      string `json:"ids"`
		Envelope string `json:"envelope"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return config{}, err
	}
	if head.Format == nil {
		return config{}, fmt.Errorf("it names no format")
	}
	if *head.Format != configFormat || head.IDs != idsPlain && head.IDs != idsKeyed ||
		head.Envelope != "" && head.Envelope != envelopeXChaCha {
		return config{}, &FormatError{where, *head.Format, head.IDs, head.Envelope}
	}
	var c config
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return config{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return config{}, fmt.Errorf("more than one value")
	}
	if id, err := hex.DecodeString(c.ID); err != nil || len(id) != idBytes || hex.EncodeToString(id) != c.ID {
		return config{}, fmt.Errorf("its id is not of %d hexadecimal digits", 2*idBytes)
	}
	if c.IDs == idsKeyed && c.Envelope == "" {
		return config{}, errors.New("its ids are keyed and nothing is encrypted")
	}
	written, err := c.encode()
	if err != nil {
		return config{}, err
	}
	if !bytes.Equal(written, b) {
		return config{}, errors.New("its checksum does not hold")
	}
	return c, nil
}
