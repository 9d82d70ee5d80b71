package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/tree"
)

// keeper is a program with a repository that is taken care of. All of them are
// encrypted, with a password.
type keeper struct {
	name string
	bin  string
	env  func(repository string) []string

	make, save  [][]string // save: what is in the exported folder
	list, check [][]string
	read        [][]string // check, and every byte
	forget      [][]string // all snapshots but the last fifty
	prune       [][]string
}

// password is that of all repositories.
const password = "a long one for the benchmark"

// keepers gives the programs that can be had, ours first. export is the folder
// that the others back up.
func keepers(b *testing.B, export string) []keeper {
	b.Helper()
	bin, err := program()
	if err != nil {
		b.Fatal(err)
	}
	one := func(args ...string) [][]string { return [][]string{args} }
	all := []keeper{{
		name: "autochrome", bin: bin,
		env: func(folder string) []string {
			return []string{"AUTOCHROME_REPOSITORY=" + folder, "AUTOCHROME_PASSWORD=" + password, "AUTOCHROME_CONFIG=none"}
		},
		make: one("init", "--encrypt"), list: one("snapshot", "list"), check: one("check"), read: one("check", "--read-data"),
		forget: one("snapshot", "cleanup", "--keep-last", "50"),
		prune:  one("prune", "--grace", "0"),
	}}
	if bin, err := resticBinary(); err != nil {
		b.Logf("restic: not available (%v)", err)
	} else {
		all = append(all, keeper{
			name: "restic", bin: bin,
			env: func(folder string) []string {
				return []string{"RESTIC_REPOSITORY=" + folder, "RESTIC_PASSWORD=" + password, "RESTIC_CACHE_DIR=" + folder + "-cache"}
			},
			make: one("init"), save: one("backup", "--quiet", export), list: one("snapshots"), check: one("check"), read: one("check", "--read-data"),
			forget: one("forget", "--quiet", "--keep-last", "50"), prune: one("prune"),
		})
	}
	if bin, err := kopiaBinary(); err != nil {
		b.Logf("kopia: not available (%v)", err)
	} else {
		all = append(all, keeper{
			name: "kopia", bin: bin,
			env: func(folder string) []string {
				return []string{"KOPIA_PASSWORD=" + password, "KOPIA_CONFIG_PATH=" + folder + ".config", "KOPIA_CHECK_FOR_UPDATES=false",
					"KOPIA_LOG_DIR=" + folder + "-logs", "KOPIA_CACHE_DIRECTORY=" + folder + "-cache", "KOPIA_REPOSITORY=" + folder}
			},
			make: [][]string{
				{"repository", "create", "filesystem", "--path", "$KOPIA_REPOSITORY", "--no-persist-credentials"},
				{"policy", "set", "--global", "--compression=zstd", "--keep-latest=1000", "--keep-hourly=0", "--keep-daily=0", "--keep-weekly=0", "--keep-monthly=0", "--keep-annual=0"},
			},
			save: one("snapshot", "create", export), list: one("snapshot", "list", "--show-identical", "--max-results=1000"),
			check: one("snapshot", "verify"), read: one("content", "verify", "--download-percent=100"),
			forget: [][]string{{"policy", "set", "--global", "--keep-latest=50"}, {"snapshot", "expire", "--all", "--delete"}},
			prune:  one("maintenance", "run", "--full", "--safety=none"),
		})
	}
	return all
}

// do runs a program's commands on a repository, and gives what they took.
func (k keeper) do(b *testing.B, folder string, commands [][]string) (all ran) {
	b.Helper()
	for _, args := range commands {
		line := []string{k.bin}
		for _, arg := range args {
			if arg == "$KOPIA_REPOSITORY" {
				arg = folder
			}
			line = append(line, arg)
		}
		r := runMeasured(b, k.env(folder), line...)
		all.Wall, all.CPU, all.Peak, all.Output = all.Wall+r.Wall, all.CPU+r.CPU, max(all.Peak, r.Peak), r.Output
	}
	return all
}

// cared are figures of one program.
type cared struct {
	keeper
	folder string
	stored int64
	took   map[string]ran
}

// careOf measures in turns what keeping the repositories costs.
func careOf(b *testing.B, all []*cared, what ...string) {
	b.Helper()
	commands := func(k keeper) map[string][][]string {
		return map[string][][]string{"open": k.list, "check": k.check, "read": k.read, "forget": k.forget, "prune": k.prune}
	}
	for _, name := range what {
		var took [][]ran
		turns := rounds(b, 3)
		if name == "forget" || name == "prune" {
			turns = 1 // it changes the repository
		}
		took = make([][]ran, len(all))
		for turn := range turns {
			for i := range all {
				i = (i + turn) % len(all)
				took[i] = append(took[i], all[i].do(b, all[i].folder, commands(all[i].keeper)[name]))
			}
		}
		for i, c := range all {
			r := took[i][0]
			r.Wall, r.CPU = middle(took[i], func(r ran) time.Duration { return r.Wall }), middle(took[i], func(r ran) time.Duration { return r.CPU })
			c.took[name] = r
			b.ReportMetric(r.Wall.Seconds(), c.name+"-"+name+"-s")
			b.Logf("%-10s %-7s %6.2f s, %6.2f s of CPU, %4.0f MB", c.name, name, r.Wall.Seconds(), r.CPU.Seconds(), mega(r.Peak))
		}
	}
}

// BenchmarkCare is what opening (listing snapshots), checking and pruning a
// repository costs, beside restic and kopia, which hold the same records as JSON
// lines: one snapshot of the workload, and then two hundred of a thousand
// records of which twelve change each time, of which fifty are kept.
func BenchmarkCare(b *testing.B) {
	b.Run("Workload", func(b *testing.B) {
		for b.Loop() {
			care(b, workload[0].records+workload[1].records, 1, "open", "check", "read")
		}
	})
	b.Run("Snapshots", func(b *testing.B) {
		for b.Loop() {
			care(b, 1000, howMany(b, "AUTOCHROME_BENCH_SNAPSHOTS", 200), "open", "check", "read", "forget", "open", "prune", "check")
		}
	})
}

func care(b *testing.B, records, snapshots int, what ...string) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	folder := b.TempDir()
	export := filepath.Join(folder, "export")
	var all []*cared
	for _, k := range keepers(b, export) {
		c := &cared{keeper: k, folder: filepath.Join(folder, k.name), took: map[string]ran{}}
		c.do(b, c.folder, c.make)
		all = append(all, c)
	}
	states(b, all[0], records, snapshots, func(recs []chunk.Record) {
		exportRecords(b, export, recs)
		for _, c := range all[1:] {
			c.do(b, c.folder, c.save)
		}
	})
	size := func() {
		for _, c := range all {
			c.stored = sum(files(b, c.folder))
			b.Logf("%-10s %6.1f MB in %d files", c.name, mega(c.stored), len(files(b, c.folder)))
		}
	}
	size()
	careOf(b, all, what...)
	size()
}

// states makes a snapshot of each state of a collection in our own repository, as
// a guarded migration does, and hands on the records.
func states(b *testing.B, ours *cared, n, snapshots int, each func([]chunk.Record)) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	recs := workloadRecords(b, n)
	random := rand.New(rand.NewPCG(5, 500))
	r := openEncrypted(b, ours.folder)
	err := r.Write(b.Context(), func(w *repo.Writer) error {
		dim := len(recs[0].Embedding)
		c := tree.Collection{Tenant: "t", Database: "d", Name: "docs"}
		var err error
		if c.Description, err = tree.SaveDescription(b.Context(), w, chunk.CollectionDescription{Dimension: dim}); err != nil {
			return err
		}
		var last repo.Snapshot
		for i := range snapshots {
			if i > 0 {
				for range 10 {
					at := random.IntN(len(recs))
					recs[at].Metadata = chunk.Metadata{{Key: "version", Value: chunk.Value{Type: chunk.Int, Int: int64(i)}}}
				}
				for range 2 {
					recs[random.IntN(len(recs))].Embedding = randomUnit(random, dim)
				}
			}
			builder, err := tree.NewBuilderOn(b.Context(), w, dim, c)
			if err != nil {
				return err
			}
			page := chunk.NewRecords(dim)
			for _, rec := range recs {
				page.Append(rec)
			}
			if err := builder.Add(b.Context(), page); err != nil {
				return err
			}
			if c.Height, c.Top, err = builder.Finish(b.Context()); err != nil {
				return err
			}
			s := repo.Snapshot{
				Kind: repo.KindSnapshot, Time: time.Now().Add(time.Duration(i-snapshots) * time.Minute), Source: "bench",
				Scope: repo.Scope{Tenant: "t", Database: "d"}, Capture: repo.CaptureStill, Command: "bench",
				Collections: []repo.CollectionInfo{{Name: "docs", Records: int64(n)}},
			}
			if !last.ID.IsZero() {
				s.Parent = &last.ID
			}
			if s.Root, err = tree.SaveRoot(b.Context(), w, []tree.Collection{c}, last.Root); err != nil {
				return err
			}
			if last, err = w.SaveSnapshot(b.Context(), s); err != nil {
				return err
			}
			each(recs)
		}
		return nil
	})
	must(errors.Join(err, r.Close()))
}

// openEncrypted opens a repository with the password of all.
func openEncrypted(b *testing.B, folder string) *repo.Repository {
	b.Helper()
	be, err := backend.OpenLocal(folder)
	if err != nil {
		b.Fatal(err)
	}
	r, err := repo.OpenWith(b.Context(), be, repo.OpenOptions{
		Unlock: func(context.Context) (repo.Credential, error) { return repo.NewCredential(password) },
	})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// workloadRecords gives n records of the workload.
func workloadRecords(b *testing.B, n int) []chunk.Record {
	b.Helper()
	var out []chunk.Record
	for _, known := range workload {
		for _, l := range readWorkload(b, known.name, min(known.records, n-len(out))) {
			rec := chunk.Record{ID: fmt.Sprintf("%s-%s", known.name, l.ID), Embedding: vector(l.Embedding), Document: l.Document, URI: l.URI}
			text, err := json.Marshal(l.Metadata)
			if err == nil {
				rec.Metadata, err = chunk.DecodeMetadataJSON(text)
			}
			if err != nil {
				b.Fatal(err)
			}
			out = append(out, rec)
		}
	}
	return out
}

// exportRecords writes records as JSON lines.
func exportRecords(b *testing.B, folder string, recs []chunk.Record) {
	b.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(filepath.Join(folder, "docs.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(f)
	var line []byte
	for _, rec := range recs {
		line = append(chunk.AppendRecordJSON(line[:0], rec, false), '\n')
		_, _ = out.Write(line) // Flush has the error
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
}
