package repo

import "autochrome/chunk"

// A display id is snapshot_YYYYMMDD_HHMMSS_xxxx: the record's time in UTC to
// the second, and the last 20 bits of its identity in Crockford's base 32,
// whose letters are not mistaken for one another.
const (
	displayPrefix = "snapshot_"
	displayTime   = "20060102_150405"
	crockford     = "0123456789abcdefghjkmnpqrstvwxyz"
)

// DisplayID is the name that the program gives s.
func (s Snapshot) DisplayID() string {
	return displayPrefix + s.Time.UTC().Format(displayTime) + "_" + Suffix(s.ID)
}

// OriginalID is the display id of the snapshot that s is a copy of, or its own. So
// runs and tags call it, in copies too: what they say is copied as it is.
func (s Snapshot) OriginalID() string {
	s.ID = s.Origin()
	return s.DisplayID()
}

// Called reports whether a tag of the program's means s: by its OriginalID, or, as
// was written once, by its own.
func (s Snapshot) Called(name string) bool { return name == s.OriginalID() || name == s.DisplayID() }

// String gives the display id.
func (s Snapshot) String() string { return s.DisplayID() }

// Suffix is the end of the display id of a snapshot of this identity.
func Suffix(id chunk.ID) string {
	n := len(id)
	bits := uint32(id[n-3])<<16 | uint32(id[n-2])<<8 | uint32(id[n-1])
	var out [4]byte
	for i := range out {
		out[i] = crockford[bits>>(5*(3-i))&31]
	}
	return string(out[:])
}
