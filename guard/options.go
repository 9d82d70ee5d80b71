package guard

import (
	"io"
	"net/http"
	"net/url"
	"time"

	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

// Options say what is run, and when it has failed.
type Options struct {
	Repository *repo.Repository
	Database   Database          // asked directly
	Upstream   *url.URL          // what the proxy forwards to
	Transport  http.RoundTripper // of the proxy's connections; nil: http.DefaultTransport
	Listen     string            // address of the proxy; "": a free port of 127.0.0.1

	// Command is the migration. Without one the run lasts until the context ends,
	// and then counts as a success.
	Command        []string
	Env            []string // its environment, to which the proxy's address is added
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	Resume *repo.Snapshot // base of the run that goes on; nil: a new one

	Patience time.Duration     // how long a command may take to end when it was asked to; 0: 10 seconds
	MaxTime  time.Duration     // 0: no limit
	MaxLoss  float64           // share of a collection's records that may be lost, from 0 to 1
	Expect   map[string]string // what the migration means to do with a collection: another one's name, or Gone
	Validate []string          // a command that says at the end whether all is well; nil: none

	// Durability is how long what was written may be without a point; 0: there is
	// a point before the next write to the same collection is forwarded.
	Durability time.Duration

	// Full reports whether the repository has no space left but what was held
	// back to finish the point in hand. From then on writes are answered with 507.
	// Nil: nobody knows.
	Full func() bool

	// RollbackTo says where to go back to when the run has failed.
	RollbackTo Back
	// Ask is asked instead where RollbackTo is BackAsk.
	Ask func(Report) (Back, error)

	Snapshot snapshot.Options // of the base: Source, User, Host, Command and Version are taken

	Started  func(proxy string, base repo.Snapshot) // the proxy answers at this address
	Reading  func(snapshot.Progress)                // of the base
	Point    func(Point)
	Progress func(restore.Progress) // of the rollback
}

// Back is where a failed run goes back to.
type Back string

// Where a failed run goes back to.
const (
	BackToBase     Back = "base"
	BackToLastGood Back = "last-good" // the last point at which no more than MaxLoss was lost
	BackAsk        Back = "ask"
	BackNone       Back = "none"
)

// Outcome says how a run ended.
type Outcome string

// The ways to end. All but Succeeded are failures.
const (
	Succeeded   Outcome = "success"
	ChildFailed Outcome = "child-failed"
	TimedOut    Outcome = "time-limit"
	Lost        Outcome = "loss"
	Invalid     Outcome = "validation-failed"
	Interrupted Outcome = "interrupted"
	Unrecorded  Outcome = "not-recorded" // a write could not be made a point
)

// Report says what a run came to.
type Report struct {
	Run        string
	Base       repo.Snapshot
	Last       repo.Snapshot // the last point, or the base
	LastGood   repo.Snapshot
	Points     int // of the run, with those before it was resumed
	Writes     int64
	Refused    int64
	Outcome    Outcome
	Reason     string // of a failure, for people
	ExitCode   int    // of the migration; -1: it was killed, or never ran
	Losses     []Loss
	Unrecorded bool // there were writes that did not come through the proxy

	Back         Back           // where the rollback went to; BackNone: there was none
	Rollback     restore.Report // zero without one
	RolledBack   bool           // done, and compared
	RollbackFail error          // why it could not be done
	Unaudited    error          // why an audit entry is missing
}

// Failed reports whether the run did not succeed.
func (r Report) Failed() bool { return r.Outcome != Succeeded }
