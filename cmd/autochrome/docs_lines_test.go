package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository's folder as the tests see it.
const root = "../.."

// docLine is a command line that a document gives its reader.
type docLine struct {
	file string // from the root, with slashes
	line int
	text string // without its comment
}

// manual lists the documents that people read, from the root.
func manual(t testing.TB) (files []string) {
	t.Helper()
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(f, root+"/")))
		}
	}
	return files
}

// block is a fenced block of a document.
type block struct {
	language string
	first    int // the number of its first line
	lines    []string
}

// parts takes a document apart into fenced blocks and all other lines; those of
// blocks are empty there.
func parts(t testing.TB, file string) (blocks []block, prose []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		fence, language := strings.HasPrefix(strings.TrimSpace(line), "```"), strings.Trim(line, "` ")
		switch {
		case fence && !inside:
			blocks = append(blocks, block{language: language, first: i + 2})
		case !fence && inside:
			b := &blocks[len(blocks)-1]
			b.lines = append(b.lines, line)
		}
		if fence {
			inside = !inside
		}
		if fence || inside {
			line = ""
		}
		prose = append(prose, line)
	}
	if inside {
		t.Fatalf("%s: a block that does not end", file)
	}
	return blocks, prose
}

// comment is what stands behind a command for the reader.
var comment = regexp.MustCompile(`(^|\s)#.*$`)

// docLines gives the command lines of a document's sh and console blocks, each
// once. In a console block these are the lines that begin with "$ ". A line
// that ends with a backslash goes on in the next one.
func docLines(t testing.TB, file string) (lines []docLine) {
	t.Helper()
	blocks, _ := parts(t, file)
	for _, b := range blocks {
		var begun string
		for i, text := range b.lines {
			switch b.language {
			case "sh":
			case "console":
				if text = strings.TrimPrefix(text, "$ "); text == b.lines[i] {
					continue
				}
			default:
				if first, _, _ := strings.Cut(strings.TrimPrefix(text, "$ "), " "); first == "autochrome" {
					t.Errorf("%s:%d: a command line in a block that is not marked as sh or console", file, b.first+i)
				}
				continue
			}
			text = begun + comment.ReplaceAllString(text, "")
			if begun = ""; strings.HasSuffix(text, `\`) {
				begun = strings.TrimSuffix(text, `\`)
				continue
			}
			text = strings.TrimSpace(text)
			if text != "" && !slices.ContainsFunc(lines, func(l docLine) bool { return l.text == text }) {
				lines = append(lines, docLine{file, b.first + i, text})
			}
		}
		if begun != "" {
			t.Errorf("%s:%d: a line that goes on behind the end of its block", file, b.first)
		}
	}
	return lines
}

// span is code within a sentence or a table.
var span = regexp.MustCompile("`([^`]+)`")

// firstCell is what stands in the first column of a table.
var firstCell = regexp.MustCompile(`^\| (.*?[^\\]) \|`)

// spans gives the command lines that stand within sentences, and those of the
// tables of commands.md, which leave out the program's name; there a flag alone
// belongs to the command before it.
func spans(t testing.TB, file string) (lines []docLine) {
	t.Helper()
	_, prose := parts(t, file)
	for i, line := range prose {
		cell := firstCell.FindStringSubmatch(line)
		if file == "docs/commands.md" && cell != nil {
			command := ""
			for _, s := range span.FindAllStringSubmatch(cell[1], -1) {
				text := s[1]
				if strings.HasPrefix(text, "-") {
					text = command + " " + text
				} else {
					command, _, _ = strings.Cut(text, " -")
				}
				lines = append(lines, docLine{file, i + 1, "autochrome " + strings.ReplaceAll(text, `\|`, "|")})
			}
			line = strings.TrimPrefix(line, cell[0])
		}
		for _, s := range span.FindAllStringSubmatch(line, -1) {
			if strings.HasPrefix(s[1], "autochrome ") {
				lines = append(lines, docLine{file, i + 1, strings.ReplaceAll(s[1], `\|`, "|")})
			}
		}
	}
	return lines
}
