package archive

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// An archive is a tar file, packed with gzip, of these files in this order:
//
//	README.txt                            what this is and how to read it
//	collections/0001-NAME/collection.json what the collection is
//	collections/0001-NAME/records-00000001.json ...
//	manifest.json                         docs/manifest.schema.json
//	SHA256SUMS                            of all files before, for sha256sum -c
//
// The manifest names the sums of all batches and so comes behind them: an
// archive is written and read in one pass, also through a pipe. A reader takes
// README.txt, manifest.json and SHA256SUMS at any place. Names in a folder sort
// in the order in which they stand.
const (
	readmeName      = "README.txt"
	manifestName    = "manifest.json"
	sumsName        = "SHA256SUMS"
	collectionsName = "collections"
	descriptionName = "collection.json"
)

const (
	// DefaultBatch is how many records a file has.
	DefaultBatch = 100
	// MaxBatch bounds that: a batch is in memory as a whole.
	MaxBatch = 10_000

	// batchBytes ends a batch before the record that takes it beyond: large
	// documents do not make large files, but for those of one record.
	batchBytes = 8 << 20

	// maxFile bounds a file in bytes. Chroma takes requests of 40 MiB, of which
	// JSON makes six times as much where all are control characters.
	maxFile = 256 << 20

	// maxTrailer bounds the zeros behind the last file.
	maxTrailer = 1 << 20
)

// folderName is where a collection's files lie; n counts from 1. The number
// makes it unique where names differ in case only or are cut short.
func folderName(n int, collection string) string {
	slug := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, collection)
	slug = strings.TrimRight(slug[:min(len(slug), 40)], ".")
	return path.Join(collectionsName, fmt.Sprintf("%04d-%s", n, slug))
}

func batchName(folder string, n int) string {
	return path.Join(folder, fmt.Sprintf("records-%08d.json", n))
}

var (
	isFolder      = regexp.MustCompile(`^collections/[^/]+$`)
	isDescription = regexp.MustCompile(`^collections/[^/]+/collection\.json$`)
	isBatch       = regexp.MustCompile(`^collections/[^/]+/records-[0-9]+\.(json|parquet)$`)
)

// isTable reports whether a file of records is one of Parquet. In an archive there
// is none: they are read from their end.
func isTable(name string) bool { return strings.HasSuffix(name, ".parquet") }

// belongs reports whether an archive may have a file of this name.
func belongs(name string) bool {
	switch name {
	case readmeName, manifestName, sumsName:
		return true
	}
	return isDescription.MatchString(name) || isBatch.MatchString(name) && !isTable(name)
}

// readme stands first in every archive. It is the same in all of them.
const readme = `This is a snapshot of a Chroma vector database, written by Autochrome.

manifest.json
    What was captured, when and where, each collection with its number of
    records, and each batch with its range of ids, its count and its SHA-256.
    Field by field: docs/manifest.schema.json of Autochrome (JSON Schema,
    draft-07).

collections/NNNN-NAME/collection.json
    The collection: its name, dimension, metadata, configuration and schema.

collections/NNNN-NAME/records-NNNNNNNN.json
    Its records, in the order in which Chroma has them: an array with one
    record on each line. A record has

    id         text, unique in the collection
    embedding  numbers, or null where Chroma had none (damage). They are
               single-precision floats with the fewest digits that say them:
               read as float32 they are what was captured, to the last bit. A
               component that is null had no value (damage)
    document   text, or null: none. An empty text is a document
    uri        text, or null: none
    metadata   an object, or null: none. A number without point and exponent
               is a 64-bit integer (many JSON readers round those beyond 2^53:
               read them as text), any other one a double

SHA256SUMS
    Check all files:    sha256sum -c SHA256SUMS

"checksum_sha256" in the manifest is the SHA-256 of the lines of SHA256SUMS that
are about collections, a collection's "checksum" of those about its folder:

    grep '  collections/' SHA256SUMS | sha256sum
    grep '  collections/0001-NAME/' SHA256SUMS | sha256sum

All of it as one stream of records, and the ids of a collection:

    for f in collections/*/records-*.json; do jq -c '.[]' "$f"; done
    cat collections/0001-NAME/records-*.json | jq -r '.[].id'

With Autochrome: autochrome verify FILE checks an archive, autochrome import
FILE brings it into a repository, from where a rollback puts it into Chroma.
`
