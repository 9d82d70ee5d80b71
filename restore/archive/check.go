package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// check compares what was seen of an archive with what its manifest and its sums
// say. It gives all that is not right, but for what follows from it.
func (s *scanned) check() []*FileError {
	if s.cut {
		return nil // all else follows from that
	}
	problems := s.checkSums()
	if s.manifest == nil {
		return append(problems, wrong(manifestName, "it is missing: the archive is cut short, or none of this kind"))
	}
	if problems = append(problems, s.checkBatches()...); len(problems)+len(s.problems) > 0 {
		return problems
	}
	return s.checkCollections()
}

var sumsLineForm = regexp.MustCompile(`^([0-9a-f]{64}) [ *](\./)?(.+)$`)

// checkSums compares each file with SHA256SUMS, where there is one.
func (s *scanned) checkSums() (problems []*FileError) {
	if !s.hasSums {
		return nil
	}
	want := map[string]string{}
	for n, line := range strings.Split(strings.TrimSuffix(string(s.sums), "\n"), "\n") {
		m := sumsLineForm.FindStringSubmatch(line)
		if m == nil || want[m[3]] != "" {
			problems = append(problems, wrong(sumsName, "line %d is not of the form SUM  FILE, or a file stands twice", n+1))
			continue
		}
		want[m[3]] = m[1]
	}
	there := map[string]bool{}
	for _, f := range s.files {
		there[f.name] = true
		switch sum, ok := want[f.name]; {
		case f.name == sumsName:
		case !ok:
			problems = append(problems, wrong(f.name, "SHA256SUMS does not name it"))
		case sum != f.sum:
			problems = append(problems, wrong(f.name, "its SHA-256 is not the one in SHA256SUMS"))
		}
	}
	for name := range want {
		if !there[name] {
			problems = append(problems, wrong(name, "it is missing; SHA256SUMS names it"))
		}
	}
	return problems
}

// checkBatches compares the files of records with the manifest, in their order.
func (s *scanned) checkBatches() (problems []*FileError) {
	var seen []seenFile
	for _, f := range s.files {
		if isBatch.MatchString(f.name) {
			seen = append(seen, f)
		}
	}
	at := map[string]int{}
	for i, f := range seen {
		at[f.name] = i
	}
	named := map[string]bool{}
	nameOf := map[string]string{}
	for _, c := range s.manifest.Collections {
		nameOf[c.Folder] = c.Name
	}
	last := -1
	for _, b := range s.manifest.Batches {
		i, ok := at[b.File]
		folder, _, _ := strings.Cut(b.File, "/records-")
		switch {
		case named[b.File]:
			problems = append(problems, wrong(manifestName, "it names %s twice", b.File))
			continue
		case !ok:
			problems = append(problems, wrong(b.File, "it is missing; the manifest names it"))
			continue
		case nameOf[folder] != b.Collection:
			problems = append(problems, wrong(b.File, "the manifest says that it is of collection %q, which lies elsewhere", b.Collection))
		case i < last:
			problems = append(problems, wrong(b.File, "it is out of order: it stands before %s", seen[last].name))
		}
		named[b.File] = true
		last = max(last, i)
		switch f := seen[i]; {
		case b.SHA256 != nil && *b.SHA256 != f.sum:
			problems = append(problems, wrong(f.name, "its SHA-256 is not the one in the manifest"))
		case f.unread:
		case b.Count != f.count:
			problems = append(problems, wrong(f.name, "it has %d records, and the manifest says %d", f.count, b.Count))
		case b.FirstID != f.first || b.LastID != f.last:
			problems = append(problems, wrong(f.name, "its records are %q to %q, and the manifest says %q to %q", f.first, f.last, b.FirstID, b.LastID))
		}
	}
	for _, f := range seen {
		if !named[f.name] {
			problems = append(problems, wrong(f.name, "the manifest does not name it"))
		}
	}
	return problems
}

// checkCollections compares the collections with the manifest.
func (s *scanned) checkCollections() (problems []*FileError) {
	byFolder := map[string]seenCollection{}
	for _, c := range s.collections {
		byFolder[c.folder] = c
	}
	total := int64(0)
	for _, m := range s.manifest.Collections {
		c, ok := byFolder[m.Folder]
		delete(byFolder, m.Folder)
		file := m.Folder + "/" + descriptionName
		if !ok {
			problems = append(problems, wrong(file, "it is missing; the manifest names the collection"))
			continue
		}
		total += c.records
		inManifest, _ := m.read() // both were read before
		inFile, _ := c.d.read()
		switch {
		case m.Name != c.d.Name || !bytes.Equal(inManifest.AppendCanonical(nil), inFile.AppendCanonical(nil)):
			problems = append(problems, wrong(file, "it says something else than the manifest"))
		case m.Count != c.records:
			problems = append(problems, wrong(m.Folder, "it has %d records, and the manifest says %d", c.records, m.Count))
		case m.Checksum != nil && *m.Checksum != s.sumOf(m.Folder+"/"):
			problems = append(problems, wrong(m.Folder, "the sum of its files is not the one in the manifest"))
		}
	}
	for folder := range byFolder {
		problems = append(problems, wrong(folder, "the manifest does not name it"))
	}
	switch m := s.manifest; {
	case m.TotalChunks != total:
		problems = append(problems, wrong(manifestName, "total_chunks is %d, and there are %d records", m.TotalChunks, total))
	case m.Checksum != nil && *m.Checksum != s.sumOf(collectionsName+"/"):
		problems = append(problems, wrong(manifestName, "checksum_sha256 is not the sum of the files"))
	}
	return problems
}

// sumOf is the sum of the lines of SHA256SUMS about files below a folder.
func (s *scanned) sumOf(prefix string) string {
	h := sha256.New()
	for _, f := range s.files {
		if strings.HasPrefix(f.name, prefix) {
			_, _ = h.Write([]byte(sumsLine(f.name, f.sum)))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
