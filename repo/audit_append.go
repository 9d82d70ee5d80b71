package repo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// auditTries bounds how often an entry is written again because another
// process of the same user on the same host wrote one first.
const auditTries = 100

// auditTail is the end of this process's own chain.
type auditTail struct {
	mu       sync.Mutex
	read     bool
	writer   string // of which chain
	counter  int64
	previous chunk.ID // hash of entry counter
}

// AuditWriter names the chain of a user on a host: 16 hexadecimal digits.
func AuditWriter(host, user string) string {
	id := chunk.AuditHash([]byte("writer\x00" + host + "\x00" + user))
	return hex.EncodeToString(id[:8])
}

// Audit appends an entry to the chain of this user on this host. It is durable
// when Audit returns.
func (r *Repository) Audit(ctx context.Context, e AuditEntry) error {
	host, user := whoami()
	if e.Host == "" && e.User == "" {
		e.Host, e.User = host, user
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond).Round(0)
	e.Writer, e.Nonce = r.auditWriter(e.Host, e.User), newNonce()
	r.audit.mu.Lock()
	defer r.audit.mu.Unlock()
	for range auditTries {
		if !r.audit.read || e.Writer != r.audit.writer {
			if err := r.readAuditTail(ctx, e.Writer); err != nil {
				return err
			}
		}
		e.Counter, e.Previous = r.audit.counter+1, r.audit.previous
		b, err := encodeAudit(e)
		if err != nil {
			return invalid("audit entry: %v", err)
		}
		name := auditFile(e.Writer, e.Counter)
		err = r.be.Create(ctx, name, b)
		if errors.Is(err, backend.ErrExist) {
			// Another process was first; or it was this one, and the store's
			// first answer was lost.
			there, loadErr := backend.LoadAll(ctx, r.be, name)
			if loadErr != nil || !bytes.Equal(there, b) {
				r.audit.read = false
				continue
			}
			err = nil
		}
		if err != nil {
			r.audit.read = false
			return err
		}
		r.audit.counter, r.audit.previous = e.Counter, chunk.AuditHash(b)
		return nil
	}
	return fmt.Errorf("audit/%s: others append all the time; try again", e.Writer)
}

// readAuditTail finds the last entry of a chain.
func (r *Repository) readAuditTail(ctx context.Context, writer string) error {
	folder := auditFolder + writer + "/"
	last, tail := int64(0), backend.Info{}
	err := r.be.List(ctx, folder, func(info backend.Info) error {
		if _, counter, ok := parseAudit(info.Name); ok && counter > last {
			last, tail = counter, info
		}
		return nil
	})
	if err != nil {
		return err
	}
	var previous chunk.ID
	if last > 0 {
		var b []byte
		if tail.Size <= maxAudit { // a longer one is damaged, and not loaded
			if b, err = r.loadAudit(ctx, tail.Name); err != nil {
				return err
			}
		}
		previous = chunk.AuditHash(b)
	}
	r.audit.read, r.audit.writer, r.audit.counter, r.audit.previous = true, writer, last, previous
	return nil
}

// loadAudit reads the file of an entry, also of a damaged one: the chain goes on.
func (r *Repository) loadAudit(ctx context.Context, name string) (b []byte, err error) {
	for range 2 { // the store may have been at fault only once
		if b, err = backend.LoadAll(ctx, r.be, name); err == nil {
			if _, damaged := decodeAudit(b); damaged == nil {
				return b, nil
			}
		}
	}
	if errors.Is(err, index.ErrCorrupt) { // it cannot be opened
		b, err = backend.LoadAll(ctx, r.store, name)
	}
	return b, err
}

// auditDigits is the length of a counter in a name, so that names sort.
const auditDigits = 10

func auditFile(writer string, counter int64) string {
	return fmt.Sprintf("%s%s/%0*d", auditFolder, writer, auditDigits, counter)
}

// parseAudit reads the name of an entry.
func parseAudit(name string) (writer string, counter int64, ok bool) {
	rest, ok := strings.CutPrefix(name, auditFolder)
	writer, digits, found := strings.Cut(rest, "/")
	counter, err := strconv.ParseInt(digits, 10, 64)
	if !ok || !found || err != nil || counter < 1 || !validWriter(writer) || auditFile(writer, counter) != name {
		return "", 0, false
	}
	return writer, counter, true
}

func validWriter(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 8 && hex.EncodeToString(b) == s
}

func encodeAudit(e AuditEntry) ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	b, err := canonicalJSON(e)
	if err != nil {
		return nil, err
	}
	file := append(append([]byte(auditMagic), auditVersion), b...)
	sum := chunk.FileHash(file)
	if file = append(file, sum[:]...); len(file) > maxAudit {
		return nil, fmt.Errorf("%d bytes, %d are allowed", len(file), maxAudit)
	}
	return file, nil
}

func decodeAudit(file []byte) (AuditEntry, error) {
	var e AuditEntry
	b, err := openFile(file, auditMagic, auditVersion, "audit entry")
	if err != nil {
		return e, err
	}
	n := len(file) - chunk.IDSize
	if len(b) < chunk.IDSize || chunk.FileHash(file[:n]) != chunk.ID(file[n:]) {
		return e, corrupt("audit entry: its checksum does not hold")
	}
	if err := parseCanonical(b[:len(b)-chunk.IDSize], &e); err != nil {
		return e, corrupt("audit entry: %v", err)
	}
	if err := e.validate(); err != nil {
		return e, corrupt("audit entry: %v", err)
	}
	return e, nil
}

func (e AuditEntry) validate() error {
	switch {
	case e.Action == "" || e.Outcome == "":
		return errors.New("without action or outcome")
	case !validWriter(e.Writer) || e.Counter < 1 || e.Counter > 9999999999:
		return fmt.Errorf("writer %q, counter %d", e.Writer, e.Counter)
	case (e.Counter == 1) != e.Previous.IsZero():
		return fmt.Errorf("entry %d with previous %v", e.Counter, e.Previous)
	case e.Snapshot != nil && e.Snapshot.IsZero():
		return errors.New("its snapshot is the zero id")
	case e.Millis < 0:
		return errors.New("a negative duration")
	}
	return errors.Join(validNonce(e.Nonce), validTime(e.Time))
}
