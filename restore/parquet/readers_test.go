package parquet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// duckDB asks DuckDB and gives each query's rows as JSON: floats by their bits,
// everything else as text or null.
const duckDB = `
import { DuckDBInstance } from "@duckdb/node-api"
const [file, ...queries] = process.argv.slice(process.argv.indexOf("--") + 1)
const db = await (await DuckDBInstance.create()).connect()
const bits = (x, type) => {
  const v = new DataView(new ArrayBuffer(8))
  if (type.startsWith("FLOAT")) { v.setFloat32(0, x); return "f" + v.getUint32(0).toString(16) }
  v.setFloat64(0, x); return "d" + v.getBigUint64(0).toString(16)
}
const say = (x, type) => x === null ? null : x.items ? x.items.map(y => say(y, type))
  : type.startsWith("FLOAT") || type.startsWith("DOUBLE") ? bits(x, type) : String(x)
for (const query of queries) {
  const r = await db.runAndReadAll(query.replaceAll("FILE", "'" + file.replaceAll("'", "''") + "'"))
  const types = r.columnTypes().map(String)
  console.log(JSON.stringify({ names: r.columnNames(), types, rows: r.getRows().map(row => row.map((x, i) => say(x, types[i]))) }))
}`

type answer struct {
	Names, Types []string
	Rows         [][]any
}

func ask(t *testing.T, file string, queries ...string) (all []answer) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(chromatest.Node(t, duckDB, append([]string{file}, queries...)...)))
	for range queries {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func onDisk(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "records.parquet")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDuckDBWritesAgain: a file that DuckDB read and wrote anew, packed otherwise
// and without our notes, says the same to the last bit. What it takes values for
// is seen from the types.
func TestDuckDBWritesAgain(t *testing.T) {
	records := nasty(t)
	for i := range 3000 { // several row groups
		records = append(records, chunk.Record{ID: fmt.Sprint("more ", i), Embedding: []float32{float32(i) / 7, 1, 2, 3}, Document: text(fmt.Sprint(i))})
	}
	path := onDisk(t, writtenIn(t, 4, records, 16<<10))
	packings, folder := []string{"snappy", "zstd", "gzip", "uncompressed"}, t.TempDir()
	queries := []string{"SELECT * FROM FILE LIMIT 0"}
	for _, packing := range packings {
		queries = append(queries, "COPY (SELECT * FROM FILE) TO '"+filepath.Join(folder, packing)+"' (FORMAT parquet, COMPRESSION "+packing+")")
	}
	a := ask(t, path, queries...)[0]
	types := map[string]string{}
	for i, name := range a.Names {
		types[name] = a.Types[i]
	}
	for name, want := range map[string]string{"id": "VARCHAR", "embedding": "FLOAT[]", "document": "VARCHAR", "f": "DOUBLE", "ints": "BIGINT[]", "strings": "VARCHAR[]", "floats": "DOUBLE[]", "b": "DOUBLE", "s": "VARCHAR"} {
		if types[name] != want {
			t.Errorf("DuckDB takes %s for %s, want %s", name, types[name], want)
		}
	}
	for _, packing := range packings {
		b, err := os.ReadFile(filepath.Join(folder, packing))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := read(t, b)
		equal(t, 4, got, records)
	}
}

// TestDuckDBReads: what DuckDB makes of it, and that it can filter, look into what
// no column has, and take vectors for arrays.
func TestDuckDBReads(t *testing.T) {
	path := onDisk(t, written(t, 4, nasty(t)))
	wants := map[string]string{
		"SELECT id FROM FILE WHERE document = ''":                                                           `[["nasty \u0000 \u2028 🦊 \"\\ ../.."]]`,
		"SELECT id, embedding FROM FILE LIMIT 3":                                                            `[["nasty \u0000 \u2028 🦊 \"\\ ../..",["f3dcccccd","f80000000","f1","f7f7fffff"]],["nulls",[null,"f3f800000","f40000000",null]],["nothing",null]]`,
		"SELECT metadata_rest->>'big' FROM FILE WHERE id = 'types'":                                         `[["-9223372036854775808"]]`,
		"SELECT f FROM FILE WHERE f IS NOT NULL":                                                            `[["d3fd5555555555555"],["d4008000000000000"],["d8000000000000000"]]`,
		"SELECT id FROM FILE WHERE array_distance(embedding::FLOAT[4], [1,2,3,4]::FLOAT[4]) = 0 AND s = ''": `[["types"]]`,
		"SELECT ints, none FROM FILE WHERE id LIKE '%types'":                                                `[[["1","1"],[]],[[],["x"]]]`,
	}
	queries := slices.Sorted(maps.Keys(wants))
	for i, a := range ask(t, path, queries...) {
		got, err := json.Marshal(a.Rows)
		var wanted, again any
		if err != nil || json.Unmarshal(got, &again) != nil || json.Unmarshal([]byte(wants[queries[i]]), &wanted) != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(again, wanted) {
			t.Errorf("%s: got %s, want %s", queries[i], got, wants[queries[i]])
		}
	}
}

// TestArrowReads: Arrow's reader takes embeddings for lists of one length.
func TestArrowReads(t *testing.T) {
	path := onDisk(t, written(t, 4, nasty(t)))
	out := chromatest.Node(t, `
import { readFileSync } from "fs"
import { createRequire } from "module"
import { tableFromIPC } from "apache-arrow"
const { readParquet } = createRequire(process.cwd() + "/")("parquet-wasm/node")
const table = tableFromIPC(readParquet(readFileSync(process.argv.at(-1))).intoIPCStream())
for (const f of table.schema.fields) console.log(f.name, String(f.type), f.nullable)
const v = table.getChild("embedding")
console.log(table.numRows, Object.is(v.get(0).get(1), -0), v.get(1).get(0), v.get(2), v.get(3).get(3))`, path)
	for _, want := range []string{"id Utf8 false\n", "embedding FixedSizeList[4]<Float32> true\n", "ints List<Int64> true\n", "f Float64 true\n", "7 true null null 4\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
}
