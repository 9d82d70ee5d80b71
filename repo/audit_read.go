package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// AuditEntries calls fn for each entry, of all writers, in the order in which
// the store got them; fn's error ends it and is returned as it is. Entries
// that are damaged are left out, and named by the error at the end.
func (r *Repository) AuditEntries(ctx context.Context, fn func(AuditEntry) error) error {
	infos, err := r.list(ctx, auditFolder)
	if err != nil {
		return err
	}
	slices.SortStableFunc(infos, func(a, b backend.Info) int {
		if c := a.Modified.Compare(b.Modified); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	var bad []error
	for page := range slices.Chunk(infos, auditPage) {
		entries := make([]readAudit, len(page))
		at := make([]int, len(page))
		for i := range at {
			at[i] = i
		}
		err := each(ctx, at, func(ctx context.Context, i int) (err error) {
			entries[i], err = r.readAudit(ctx, page[i])
			return err
		})
		if err != nil {
			return err
		}
		for i, e := range entries {
			if e.damaged != nil {
				bad = append(bad, &DamagedFileError{page[i].Name, e.damaged})
				continue
			}
			e.entry.Stored = page[i].Modified
			if err := fn(e.entry); err != nil {
				return err
			}
		}
	}
	return errors.Join(bad...)
}

// auditPage is how many entries are read together.
const auditPage = 256

// readAudit is an entry as it was read.
type readAudit struct {
	entry   AuditEntry
	hash    chunk.ID // of its file, zero when it could not be read
	damaged error
}

func (r *Repository) readAudit(ctx context.Context, info backend.Info) (readAudit, error) {
	writer, counter, ok := parseAudit(info.Name)
	if !ok {
		return readAudit{damaged: corrupt("not the name of an audit entry")}, nil
	}
	if info.Size > maxAudit {
		return readAudit{damaged: corrupt("audit entry: of %d bytes", info.Size)}, nil
	}
	b, err := backend.LoadAll(ctx, r.be, info.Name)
	if err != nil {
		if isDamage(err) {
			return readAudit{damaged: err}, nil
		}
		return readAudit{}, err
	}
	out := readAudit{hash: chunk.AuditHash(b)}
	out.entry, out.damaged = decodeAudit(b)
	if e := out.entry; out.damaged == nil && (e.Writer != writer || e.Counter != counter) {
		out.damaged = corrupt("audit entry: it says that it is entry %d of %s", e.Counter, e.Writer)
	}
	return out, nil
}

// VerifyAudit walks all chains and says which entries are missing, changed or
// damaged, ordered by name; nothing when all is well. That the last entries of
// a chain were cut off, or the last one changed and made valid again, no chain
// can tell.
func (r *Repository) VerifyAudit(ctx context.Context) ([]AuditProblem, error) {
	infos, err := r.list(ctx, auditFolder)
	if err != nil {
		return nil, err
	}
	var problems []AuditProblem
	chains := map[string][]backend.Info{}
	for _, info := range infos {
		writer, _, ok := parseAudit(info.Name)
		if !ok {
			problems = append(problems, AuditProblem{File: info.Name, Reason: "not the name of an audit entry"})
			continue
		}
		chains[writer] = append(chains[writer], info)
	}
	for _, writer := range slices.Sorted(maps.Keys(chains)) {
		found, err := r.verifyChain(ctx, writer, chains[writer])
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	slices.SortStableFunc(problems, func(a, b AuditProblem) int { return cmp.Compare(a.File, b.File) })
	return problems, nil
}

// missingNamed bounds how many missing entries of one gap are named.
const missingNamed = 100

func (r *Repository) verifyChain(ctx context.Context, writer string, chain []backend.Info) ([]AuditProblem, error) {
	var problems []AuditProblem
	var before readAudit
	last := int64(0) // counter of before
	for _, info := range chain {
		_, counter, _ := parseAudit(info.Name)
		if gap := counter - last - 1; gap > missingNamed {
			problems = append(problems, AuditProblem{auditFile(writer, last+1), true,
				fmt.Sprintf("%d entries up to %d are missing", gap, counter-1)})
		} else {
			for n := last + 1; n < counter; n++ {
				problems = append(problems, AuditProblem{auditFile(writer, n), true, "the entry is missing"})
			}
		}
		e, err := r.readAudit(ctx, info)
		if err != nil {
			return nil, err
		}
		if e.damaged != nil {
			problems = append(problems, AuditProblem{info.Name, false, e.damaged.Error()})
		} else if last == counter-1 && e.entry.Previous != before.hash && before.damaged == nil {
			problems = append(problems, AuditProblem{auditFile(writer, max(last, 1)), false,
				fmt.Sprintf("entry %d says that it was another", counter)})
		}
		before, last = e, counter
	}
	return problems, nil
}
