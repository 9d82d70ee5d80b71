package chroma

import (
	"errors"
	"slices"
	"strings"

	"autochrome/chunk"
)

// Differs names the fields in which two descriptions differ, as in
// "configuration.hnsw.ef_search". Where [Database.ModifyCollection] cannot lead
// from one to the other, reason says why. What one side does not know is not a
// difference.
func (d *Database) Differs(have, want chunk.CollectionDescription) (fields []string, reason string) {
	if have.Dimension != 0 && have.Dimension != want.Dimension {
		fields = append(fields, "dimension")
	}
	if !have.Metadata.Equal(want.Metadata) {
		fields = append(fields, "metadata")
	}
	name := func(where string) func([]string, any, any) {
		return func(path []string, _, _ any) { fields = append(fields, where+"."+strings.Join(path, ".")) }
	}
	if have.Configuration != nil && want.Configuration != nil {
		differences(have.Configuration, want.Configuration, name("configuration"))
	}
	if have.Schema != nil && want.Schema != nil {
		differences(have.Schema, want.Schema, name("schema"))
	}
	slices.Sort(fields)
	_, reason = plan(have, want)
	return fields, reason
}

// TooLarge reports whether an error says that fewer records at once may pass.
func (d *Database) TooLarge(err error) bool { return errors.Is(err, ErrTooLarge) }

// Gone reports whether an error says that a collection is not there.
func (d *Database) Gone(err error) bool { return errors.Is(err, ErrNotFound) }
