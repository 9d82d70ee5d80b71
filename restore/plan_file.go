package restore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// planFileVersion is the number that a plan file begins with.
const planFileVersion = 1

// ErrPlanFile: what was read is no plan that can be carried out.
var ErrPlanFile = errors.New("it is no plan that can be carried out")

// PlanFile is a plan that somebody reviews before it is carried out: what was
// asked for, and what that would do. It holds no values of records but the ids
// that were asked for; what is done is in it by a hash, and is planned again
// when it is carried out, so that nothing but the snapshot is ever written.
type PlanFile struct {
	Version    int         `json:"autochrome_plan"`
	Made       time.Time   `json:"made"`
	Repository string      `json:"repository"` // id
	Snapshot   string      `json:"snapshot"`   // full id
	SnapshotID string      `json:"snapshot_id"`
	Source     string      `json:"source"`
	Tenant     string      `json:"tenant"`
	Database   string      `json:"database"`
	Options    PlanOptions `json:"options"`
	Does       []Sealed    `json:"does"`
	Needs      *Needs      `json:"needs,omitempty"`
	Sum        string      `json:"sha256"` // of all else
}

// PlanOptions are what was asked for; see Options.
type PlanOptions struct {
	Collections    []string `json:"collections,omitempty"`
	IDs            []string `json:"ids,omitempty"`
	Only           []string `json:"only,omitempty"`
	Where          string   `json:"where,omitempty"`
	WhereDocument  string   `json:"where_document,omitempty"`
	Source         string   `json:"source,omitempty"`
	DropExtra      bool     `json:"drop_extra"`
	SkipUnwritable bool     `json:"skip_unwritable"`
}

// Encode gives the file as text.
func (f PlanFile) Encode() ([]byte, error) {
	f.Version = planFileVersion
	f.Made = f.Made.UTC().Truncate(time.Second)
	var err error
	if f.Sum, err = f.sum(); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// sum tells a file that was changed. It proves nothing about who wrote it.
func (f PlanFile) sum() (string, error) {
	f.Sum = ""
	text, err := json.Marshal(f)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// DecodePlanFile reads what Encode wrote and nobody changed. Anything else is
// ErrPlanFile.
func DecodePlanFile(text []byte) (f PlanFile, err error) {
	wrong := func(format string, args ...any) (PlanFile, error) {
		return PlanFile{}, fmt.Errorf("%w: %s", ErrPlanFile, fmt.Sprintf(format, args...))
	}
	var head struct {
		Version *int `json:"autochrome_plan"`
	}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(text, &head); {
	case len(bytes.TrimSpace(text)) == 0:
		return wrong("it is empty")
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(bytes.TrimRight(text, " \n"))):
		return wrong("it is cut short")
	case err != nil:
		return wrong("%v", err)
	case head.Version == nil:
		return wrong("it does not begin with autochrome_plan")
	case *head.Version != planFileVersion:
		return wrong("it is of version %d, and this autochrome knows %d", *head.Version, planFileVersion)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return wrong("%v", err)
	}
	if again, err := f.Encode(); err != nil || !bytes.Equal(again, text) {
		return wrong("it was changed after it was made")
	}
	return f, nil
}
