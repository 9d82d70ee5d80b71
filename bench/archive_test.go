package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"autochrome/internal/deflate"
)

// BenchmarkExport gives the speed of an export in JSON, beside tar and gzip -6 of
// the same files and beside our packing of them and nothing else: wall clock,
// processor time, and size. Its records are made up, of the dataset's dimension.
func BenchmarkExport(b *testing.B) {
	for _, size := range []struct {
		name    string
		records int
		compare bool // with others, which takes minutes for large ones
	}{{"10k", 10_000, true}, {"100k", 100_000, false}} {
		b.Run(size.name, func(b *testing.B) { export(b, size.records, size.compare) })
	}
}

func export(b *testing.B, records int, compare bool) {
	url := standIn{records, 384}.serve(b)
	folder := filepath.Join(b.TempDir(), "repository")
	file := filepath.Join(b.TempDir(), "a.tar.gz")
	runProgram(b, "--chromadb-url", url, "--repo", folder, "--json", "snapshot", "create")
	for b.Loop() {
		out := runProgram(b, "--repo", folder, "--json", "export", "latest", "-o", file, "--force", "--source", sourceOf(b, folder))
		var said struct {
			Bytes   int64
			Content int64 `json:"content_bytes"`
		}
		if err := json.Unmarshal([]byte(out.Output), &said); err != nil {
			b.Fatal(err)
		}
		speed := mega(said.Content) / out.Wall.Seconds()
		report(b, figure{speed, "MB/s"}, figure{mega(said.Content) / out.CPU.Seconds(), "MB/cpu-s"}, figure{mega(out.Peak), "peak-MB"}, figure{mega(said.Bytes), "archive-MB"})
		back := filepath.Join(b.TempDir(), "back")
		in := runProgram(b, "--repo", back, "--json", "import", file)
		b.ReportMetric(mega(said.Content)/in.Wall.Seconds(), "import-MB/s")
		b.ReportMetric(mega(in.Peak), "import-peak-MB")
		if !compare {
			continue
		}
		files := unpackedFiles(b, file)
		theirs := tarGzip(b, files)
		ours := packAlone(b, files)
		b.ReportMetric(mega(theirs.size), "gzip-6-MB")
		b.ReportMetric(ratio(out.Wall, theirs.wall), "×gzip-wall")
		b.ReportMetric(ratio(out.CPU, theirs.cpu), "×gzip-cpu")
		b.ReportMetric(ratio(out.CPU, ours.cpu), "×packing-cpu")
		b.ReportMetric(ratio(out.Wall, ours.wall), "×packing-wall")
		if said.Bytes > theirs.size {
			b.Errorf("%d bytes, and gzip -6 makes %d of the same files", said.Bytes, theirs.size)
		}
	}
}

// BenchmarkTables gives the speed of an export as Parquet and of its import, in raw
// vectors, and the most memory that the program had resident.
func BenchmarkTables(b *testing.B) {
	for _, records := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(records/1000, "k"), func(b *testing.B) { tables(b, records) })
	}
}

func tables(b *testing.B, records int) {
	const dim = 384
	url := standIn{records, dim}.serve(b)
	folder := filepath.Join(b.TempDir(), "repository")
	runProgram(b, "--chromadb-url", url, "--repo", folder, "--json", "snapshot", "create")
	vectors := float64(records) * dim * 4 / 1e6
	for b.Loop() {
		to := filepath.Join(b.TempDir(), "tables")
		out := runProgram(b, "--repo", folder, "--json", "export", "latest", "--format", "parquet", "-o", to, "--source", sourceOf(b, folder))
		in := runProgram(b, "--repo", filepath.Join(b.TempDir(), "back"), "--json", "import", to)
		report(b, figure{vectors / out.CPU.Seconds(), "MB/cpu-s"}, figure{mega(out.Peak), "peak-MB"}, figure{mega(sum(files(b, to))), "tables-MB"},
			figure{vectors / in.CPU.Seconds(), "import-MB/cpu-s"}, figure{mega(in.Peak), "import-peak-MB"})
	}
}

func sourceOf(b *testing.B, folder string) string {
	b.Helper()
	r := openRepo(b, folder)
	defer r.Close()
	list, err := r.Sources(b.Context())
	if err != nil || len(list) != 1 {
		b.Fatalf("%d sources, %v", len(list), err)
	}
	return list[0].Name
}

// unpackedFiles gives a folder with the files of an archive.
func unpackedFiles(b *testing.B, archive string) string {
	b.Helper()
	folder := b.TempDir()
	if out, err := exec.Command("tar", "xzf", archive, "-C", folder).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return folder
}

// packing is what packing the files of a folder took.
type packing struct {
	size      int64
	wall, cpu time.Duration
}

// tarGzip packs with the system's tar and gzip -6.
func tarGzip(b *testing.B, folder string) (p packing) {
	b.Helper()
	packed := filepath.Join(b.TempDir(), "files.tar.gz")
	cmd := exec.Command("sh", "-ec", `tar --sort=name -cf - . | gzip -6 -n >"$1"`, "sh", packed)
	cmd.Dir = folder
	begun := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	p.wall = time.Since(begun)
	p.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // of all that the shell waited for
	i, err := os.Stat(packed)
	if err != nil {
		b.Fatal(err)
	}
	p.size = i.Size()
	return p
}

// packAlone packs as the program does, and does nothing else.
func packAlone(b *testing.B, folder string) (p packing) {
	b.Helper()
	cmd := exec.Command("tar", "--sort=name", "-cf", "-", ".")
	cmd.Dir = folder
	text, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	c := measure(os.Getpid(), func() {
		z := deflate.NewWriter(io.Discard)
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	})
	if err != nil {
		b.Fatal(err)
	}
	return packing{wall: c.wall, cpu: c.own}
}
