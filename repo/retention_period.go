package repo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Period is a length of time by the calendar.
type Period struct{ Years, Months, Days, Hours int }

var periodText = regexp.MustCompile(`^(?:(\d{1,5})y)?(?:(\d{1,5})m)?(?:(\d{1,5})d)?(?:(\d{1,5})h)?$`)

// ParsePeriod reads years, months, days and hours in this order, of which some
// may be left out: 1y2m3d4h. ErrInvalid for anything else, and for no time at
// all.
func ParsePeriod(text string) (Period, error) {
	m := periodText.FindStringSubmatch(text)
	var n [4]int
	for i := range n {
		if m != nil && m[i+1] != "" {
			n[i], _ = strconv.Atoi(m[i+1]) // five digits at most
		}
	}
	p := Period{n[0], n[1], n[2], n[3]}
	if p.IsZero() {
		return p, invalid("%q is no length of time; write for example 1y2m3d4h: years, months, days, hours", text)
	}
	return p, nil
}

// IsZero reports whether it is no time at all.
func (p Period) IsZero() bool { return p == Period{} }

// Before is the time that lies the period before t.
func (p Period) Before(t time.Time) time.Time {
	return t.AddDate(-p.Years, -p.Months, -p.Days).Add(-time.Duration(p.Hours) * time.Hour)
}

func (p Period) String() string {
	var s strings.Builder
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "y"}, {p.Months, "m"}, {p.Days, "d"}, {p.Hours, "h"}} {
		if part.n > 0 {
			fmt.Fprintf(&s, "%d%s", part.n, part.unit)
		}
	}
	return s.String()
}
