package chunk

// Collection is a collection as a server has it.
type Collection struct {
	ServerID    string // the server's own id; it survives a rename
	Name        string
	Description CollectionDescription
}

// Change is what must happen to one record of a target.
type Change struct {
	Have *Record // as it is there now; nil: not there
	Want *Record // as it shall be; nil: gone
}

// Inexact names a value that a server will not hold as it is wanted.
type Inexact struct {
	Collection string `json:"collection,omitempty"`

	ID       string `json:"id"`       // of the record
	Where    string `json:"where"`    // the metadata key, or "embedding"
	Want     string `json:"want"`     // as text
	Stored   string `json:"stored"`   // what the server will hold instead
	Distance string `json:"distance"` // how far off, in units of the last place where that has a meaning
}

// WriteReport says what a write came to. The first four count records.
type WriteReport struct {
	Added    int
	Updated  int
	Replaced int // deleted and added again, and so moved to the end of the order
	Deleted  int

	Requests int   // that wrote
	Bytes    int64 // of their bodies

	Inexact []Inexact // what the server does not hold as it was wanted
	Refused []Refused // records that were left as they were
}

// Add adds what another write came to.
func (w *WriteReport) Add(o WriteReport) {
	w.Added += o.Added
	w.Updated += o.Updated
	w.Replaced += o.Replaced
	w.Deleted += o.Deleted
	w.Requests += o.Requests
	w.Bytes += o.Bytes
	w.Inexact = append(w.Inexact, o.Inexact...)
	w.Refused = append(w.Refused, o.Refused...)
}

// Refused is a record that a server does not take.
type Refused struct {
	Collection string `json:"collection,omitempty"`
	ID         string `json:"id"`
	Reason     string `json:"reason"`
}
