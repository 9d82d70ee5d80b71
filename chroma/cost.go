package chroma

import "time"

// What writing costs a server, measured on 1.4.4 with 3,000 records of 384 and
// of 1,536 dimensions (docs/benchmarks.md). It is good for an "about" and no
// more: a busy server, a slow disk or a large index changes it by a factor of
// two and more.
const (
	costRequest   = 10 * time.Millisecond // besides its records
	costText      = 300 * time.Microsecond
	costMetadata  = 150 * time.Microsecond
	costDelete    = 140 * time.Microsecond
	costComponent = 700 * time.Nanosecond  // of an embedding that is new
	costReindexed = 6000 * time.Nanosecond // of one in the place of another
)

// cost is about how long a server takes for a step.
func cost(v verb, s *step) time.Duration {
	if v == verbDelete {
		return costDelete
	}
	component := costComponent
	if v == verbUpdate {
		component = costReindexed
	}
	sum := time.Duration(len(s.embedding)) * component
	if s.document != nil || s.uri != nil {
		sum += costText
	}
	if len(s.set)+len(s.clear) > 0 {
		sum += costMetadata
	}
	return sum
}
