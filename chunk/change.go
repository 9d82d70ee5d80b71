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
	ID       string `json:"id"`       // of the record
	Where    string `json:"where"`    // the metadata key, or "embedding"
	Want     string `json:"want"`     // as text
	Stored   string `json:"stored"`   // what the server will hold instead
	Distance string `json:"distance"` // how far off, in units of the last place where that has a meaning
}
