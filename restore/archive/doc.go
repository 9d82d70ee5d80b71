// Package archive writes a snapshot as one file that anybody can check and
// read without this program ([Export]), and reads such files ([Import],
// [Verify]). docs/archive.md describes the file, docs/manifest.schema.json its
// manifest.
package archive
