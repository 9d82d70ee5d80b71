package bench

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// datasetFolder names a folder with the full workload, in the form of
// testdata/sample. Without it the sample is grown.
const datasetFolder = "AUTOCHROME_DATASET"

// workload is the collections of the workload and how many records each has.
var workload = []struct {
	name    string
	records int
}{
	{"sergio_corpus", 4600},
	{"sergio_humor", 1200},
	{"sergio_personality", 1904},
	{"sergio_rhetorical", 2128},
}

// appended is how many further records a collection can be asked for.
const appended = 100

// line is a record of the workload's files.
type line struct {
	ID        string         `json:"id"`
	Document  *string        `json:"document"`
	Metadata  map[string]any `json:"metadata"`
	URI       *string        `json:"uri"`
	Embedding string         `json:"embedding"` // base64 of little-endian float32
}

// dataset says which workload it is.
func dataset() string {
	if os.Getenv(datasetFolder) != "" {
		return "the full dataset"
	}
	return "the sample, grown to the dataset's size"
}

// readWorkload gives n records of a collection: those of its file, and then
// records grown from them.
func readWorkload(b *testing.B, name string, n int) []line {
	b.Helper()
	folder := os.Getenv(datasetFolder)
	if folder == "" {
		folder = filepath.Join("..", "testdata", "sample")
	}
	lines := readLines(b, filepath.Join(folder, name+".jsonl.gz"))
	for have := len(lines); len(lines) < n; {
		lines = append(lines, grow(lines[len(lines)%have], len(lines)))
	}
	return lines[:n]
}

func readLines(b *testing.B, path string) []line {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var lines []line
	d := json.NewDecoder(bufio.NewReader(z))
	d.UseNumber()
	for d.More() {
		var l line
		if err := d.Decode(&l); err != nil {
			b.Fatalf("%s: %v", path, err)
		}
		lines = append(lines, l)
	}
	return lines
}

// grow makes record n of another one: a new id of the same style, the same
// words in another order, a vector near by.
func grow(from line, n int) line {
	r := rand.New(rand.NewPCG(uint64(n), 0x6175746f6368726f))
	l := line{ID: growID(r, from.ID, n), Metadata: map[string]any{}}
	for k, v := range from.Metadata {
		l.Metadata[k] = v
	}
	l.Metadata["chunk_index"] = n
	if from.Document != nil {
		words := strings.Fields(*from.Document)
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		text := strings.Join(words, " ")
		l.Document = &text
	}
	if from.URI != nil {
		uri, _, _ := strings.Cut(*from.URI, "#")
		uri = fmt.Sprintf("%s#%d", uri, n)
		l.URI = &uri
	}
	v := vector(from.Embedding)
	for i := range v {
		v[i] += float32(r.NormFloat64() * 0.02)
	}
	l.Embedding = text(unit(v))
	return l
}

// growID keeps an id's style: digits of a counter become n, hexadecimal ones
// are drawn anew.
func growID(r *rand.Rand, id string, n int) string {
	if i := strings.LastIndexAny(id, "_-"); i > 0 && len(id)-i <= 6 {
		return fmt.Sprintf("%s%0*d", id[:i+1], len(id)-i-1, n)
	}
	const digits = "0123456789abcdef"
	out := []byte(id)
	for i, c := range out {
		if strings.IndexByte(digits, c) >= 0 {
			out[i] = digits[r.IntN(len(digits))]
		}
	}
	return string(out)
}

func vector(embedding string) []float32 {
	raw, err := base64.StdEncoding.DecodeString(embedding)
	if err != nil {
		panic(err) // our own files
	}
	v := make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v
}

func text(v []float32) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	for i, x := range v {
		v[i] = float32(float64(x) / math.Sqrt(sum))
	}
	return v
}

// randomUnit is a vector in no relation to any other.
func randomUnit(r *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return unit(v)
}

// body is what Chroma is sent for these records.
func body(lines []line) map[string]any {
	n := len(lines)
	ids, embeddings := make([]string, n), make([]string, n)
	documents, uris, metadatas := make([]*string, n), make([]*string, n), make([]map[string]any, n)
	for i, l := range lines {
		ids[i], embeddings[i], documents[i], uris[i], metadatas[i] = l.ID, l.Embedding, l.Document, l.URI, l.Metadata
	}
	return map[string]any{"ids": ids, "embeddings": embeddings, "documents": documents, "uris": uris, "metadatas": metadatas}
}
