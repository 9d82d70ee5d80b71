// Package purego stands in for github.com/ebitengine/purego, which calls C
// libraries without cgo: each program that imports it, if only by way of others,
// needs a C library and its loader to start at all, also when it was compiled
// with CGO_ENABLED=0. chroma-go imports it for a Chroma inside the process and
// for computing embeddings. Autochrome does neither, and has to start in an empty
// image and on systems with another C library.
//
// go.mod puts this module in the other's place. It has what chroma-go's packages
// call, and opens no library.
package purego

import "fmt"

// Modes of Dlopen.
const (
	RTLD_NOW    = 2
	RTLD_GLOBAL = 0x100
)

// Dlopen fails: no library is opened.
func Dlopen(path string, _ int) (uintptr, error) { return 0, none(path) }

// Dlsym fails, as nothing was opened.
func Dlsym(_ uintptr, name string) (uintptr, error) { return 0, none(name) }

// Dlclose fails, as nothing was opened.
func Dlclose(uintptr) error { return none("library") }

// RegisterFunc panics, as the other does with a function that there is not.
func RegisterFunc(any, uintptr) { panic(none("function")) }

// RegisterLibFunc panics, as the other does with a function that there is not.
func RegisterLibFunc(_ any, _ uintptr, name string) { panic(none(name)) }

func none(name string) error { return fmt.Errorf("%s: this program opens no C libraries", name) }
