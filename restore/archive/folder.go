package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"

	"autochrome/repo"
	"autochrome/tree"
)

// A folder of tables has the files of an archive with Parquet files in place of
// JSON, and VDF_META.json, by which vector-io knows it:
//
//	README.txt
//	collections/0001-NAME/collection.json
//	collections/0001-NAME/records-00000001.parquet   one, or none without records
//	VDF_META.json
//	manifest.json
//	SHA256SUMS
const vdfName = "VDF_META.json"

// tableName is the file with a collection's records.
func tableName(folder string) string { return path.Join(folder, "records-00000001.parquet") }

// ExportFolder writes a snapshot as a folder of tables, which is there and empty.
// The files depend on what Export's bytes depend on, and nothing else. The sum in
// the result is that of SHA256SUMS. Batch and Recipients mean nothing here.
func ExportFolder(ctx context.Context, r *repo.Repository, s repo.Snapshot, folder string, o Options) (w Written, err error) {
	e := newExport(r, s, o)
	collections, err := e.chosen(ctx)
	if err != nil {
		return Written{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Written{}, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f := &folderWriter{root: root}
	e.put = f.add
	e.records = func(ctx context.Context, c tree.Collection, folder string, of hash.Hash) error {
		return e.tableIn(ctx, f, c, folder, of)
	}
	if err := e.write(ctx, collections, folderReadme); err != nil {
		return Written{}, err
	}
	meta, err := indented(e.vdf())
	if err != nil {
		return Written{}, err
	}
	if err := e.add(vdfName, meta); err != nil {
		return Written{}, err
	}
	if err := e.end(nil); err != nil {
		return Written{}, err
	}
	sum := sha256.Sum256(e.sums)
	return Written{e.m, hex.EncodeToString(sum[:]), f.bytes, e.content}, nil
}

// tableIn writes a collection's records into its file.
func (e *export) tableIn(ctx context.Context, f *folderWriter, c tree.Collection, folder string, of hash.Hash) error {
	if c.Top.Count == 0 {
		return nil
	}
	b := Batch{Collection: c.Name, File: tableName(folder)}
	sum := sha256.New()
	out := count{}
	err := f.file(b.File, func(to io.Writer) (err error) {
		out.to = io.MultiWriter(to, sum)
		b.FirstID, b.LastID, err = e.table(ctx, c, &out)
		return err
	})
	if err != nil {
		return err
	}
	text := hex.EncodeToString(sum.Sum(nil))
	b.Count, b.Bytes, b.SHA256 = int(c.Top.Count), out.n, &text
	e.filed(b.File, text, out.n, of)
	e.m.Batches = append(e.m.Batches, b)
	return nil
}

// folderWriter writes files below a folder.
type folderWriter struct {
	root  *os.Root
	bytes int64
}

func (f *folderWriter) add(name string, body []byte) (sum string, err error) {
	err = f.file(name, func(to io.Writer) error {
		_, err := to.Write(body)
		return err
	})
	hashed := sha256.Sum256(body)
	return hex.EncodeToString(hashed[:]), err
}

// file writes one file, durably.
func (f *folderWriter) file(name string, write func(io.Writer) error) (err error) {
	if err := f.root.MkdirAll(path.Dir(name), 0o777); err != nil { // and the umask
		return err
	}
	file, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	out := count{to: file}
	err = write(&out)
	f.bytes += out.n
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// folderReadme stands in every folder of tables.
const folderReadme = `This is a snapshot of a Chroma vector database, written by Autochrome.

manifest.json
    What was captured, when and where, each collection with its number of
    records, and each file of records with its count and its SHA-256. Field by
    field: docs/manifest.schema.json of Autochrome (JSON Schema, draft-07).

collections/NNNN-NAME/collection.json
    The collection: its name, dimension, metadata, configuration and schema.

collections/NNNN-NAME/records-NNNNNNNN.parquet
    Its records as a Parquet file, in the order in which Chroma has them. A
    collection without records has none. The columns:

    id             text, unique in the collection
    embedding      a list of single-precision floats, or null where Chroma had
                   none (damage). A component that is null had no value (damage)
    document, uri  text, or null: none. An empty text is a document
    KEY            a column for each key of the metadata, of the type of its
                   values; null where a record has no such key
    metadata_rest  a JSON object, or null: what no column says. Values of another
                   type than their key's column has, integers of keys that also
                   have floats (the column has them as floats), and keys that
                   cannot name a column. It counts more than the columns do. It is
                   there only where something needs it

VDF_META.json
    The same folder for vector-io (Vector Dataset Format).

SHA256SUMS
    Check all files:    sha256sum -c SHA256SUMS

With DuckDB:

    SELECT id, document FROM 'collections/0001-NAME/*.parquet' LIMIT 10;
    SELECT id FROM 'collections/0001-NAME/*.parquet'
        ORDER BY array_distance(embedding::FLOAT[384], $1::FLOAT[384]) LIMIT 10;

With Autochrome: autochrome verify FOLDER checks it, autochrome import FOLDER
brings it into a repository, from where a rollback puts it into Chroma.
`
