package bench

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkExport gives the speed of an export in JSON, its processor time as a
// multiple of that for packing the same files and nothing else, the most memory
// that the program had resident, and the size beside gzip -6. Its records are
// made up, of the dataset's dimension.
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
		report(b, figure{speed, "MB/s"}, figure{mega(out.Peak), "peak-MB"}, figure{mega(said.Bytes), "archive-MB"}, figure{out.CPU.Seconds(), "cpu-s"})
		back := filepath.Join(b.TempDir(), "back")
		in := runProgram(b, "--repo", back, "--json", "import", file)
		b.ReportMetric(mega(said.Content)/in.Wall.Seconds(), "import-MB/s")
		b.ReportMetric(mega(in.Peak), "import-peak-MB")
		if compare {
			packed, alone := packAlone(b, file)
			b.ReportMetric(mega(packed), "gzip-6-MB")
			b.ReportMetric(ratio(out.CPU, alone), "×packing-cpu")
			if said.Bytes > packed {
				b.Errorf("%d bytes, and gzip -6 makes %d of the same files", said.Bytes, packed)
			}
		}
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

// packAlone packs the files of an archive with gzip -6, which gives the size, and
// as the program does, which gives the processor time.
func packAlone(b *testing.B, archive string) (size int64, cpu time.Duration) {
	b.Helper()
	folder := b.TempDir()
	script := `tar xzf "$1" && tar --sort=name -cf ../files.tar . && gzip -6 -n -c ../files.tar >../files.tar.gz`
	cmd := exec.Command("sh", "-ec", script, "sh", archive)
	cmd.Dir = filepath.Join(folder, "files")
	if err := os.Mkdir(cmd.Dir, 0o700); err != nil {
		b.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	i, err := os.Stat(filepath.Join(folder, "files.tar.gz"))
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "files.tar"))
	if err != nil {
		b.Fatal(err)
	}
	begun := selfCPU()
	z, err := gzip.NewWriterLevel(io.Discard, 8) // of restore/archive
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return i.Size(), selfCPU() - begun
}
