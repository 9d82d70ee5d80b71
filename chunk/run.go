package chunk

// Run is count rows of one chunk, from first on: where rows lie.
type Run struct {
	Chunk ID  `json:"chunk"`
	First int `json:"first"`
	Count int `json:"count"`
}

// MaxRecords bounds the records of a snapshot, and so of each node of its tree:
// what is summed up over the entries of a node cannot overflow.
const MaxRecords = 1 << 48

// Root is a whole tree; it stands in a snapshot's record. See package tree.
type Root struct {
	Logical     ID    `json:"logical"` // what the snapshot says
	Collections int   `json:"collections"`
	Records     int64 `json:"records"`
	Runs        []Run `json:"runs,omitempty"` // where the collections' entries lie
}
