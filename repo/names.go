package repo

import (
	"strings"

	"autochrome/chunk"
)

// Where things stand; see the package comment.
const (
	configName  = "autochrome.json"
	packsFolder = "packs/"
	indexFolder = "index/"
	rootsFolder = "roots/"
	listsFolder = "lists/"
	notesFolder = "notes/"
	auditFolder = "audit/"
	keysFolder  = "keys/"
	marksFolder = "marks/"

	pointSuffix = ".pack"
)

func packFile(id chunk.ID) string {
	hex := id.String()
	return packsFolder + hex[:2] + "/" + hex
}

func pointFile(id chunk.ID) string { return rootsFolder + id.String() + pointSuffix }

func listFile(id chunk.ID) string { return listsFolder + id.String() }

func rootFile(id chunk.ID) string { return rootsFolder + id.String() }

func indexFile(id chunk.ID) string { return indexFolder + id.String() }

func noteFile(id chunk.ID) string { return notesFolder + id.String() }

// parseRoot reads a name in roots/.
func parseRoot(name string) (id chunk.ID, point, ok bool) {
	hex, ok := strings.CutPrefix(name, rootsFolder)
	hex, point = strings.CutSuffix(hex, pointSuffix)
	id, good := parseHex(hex)
	return id, point, ok && good
}

// parseList reads a name in lists/.
func parseList(name string) (chunk.ID, bool) { return parseNamed(listsFolder, name) }

// parseNamed reads the name of a file that is named by its hash and lies
// directly in folder.
func parseNamed(folder, name string) (chunk.ID, bool) {
	hex, ok := strings.CutPrefix(name, folder)
	id, good := parseHex(hex)
	return id, ok && good
}

// parsePack reads a name in packs/.
func parsePack(name string) (chunk.ID, bool) {
	id, ok := chunk.ID{}, false
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		id, ok = parseHex(name[i+1:])
	}
	return id, ok && name == packFile(id)
}

// parseHex reads an id and refuses any spelling but that of ID.String.
func parseHex(s string) (chunk.ID, bool) {
	id, err := chunk.ParseID(s)
	return id, err == nil && id.String() == s
}
