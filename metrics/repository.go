package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Repository is what a repository says.
type Repository struct {
	Sources []Source
	Bytes   int64    // of all its files
	Damaged int      // files that cannot be read
	Dedup   *Dedup   // nil: not measured
	Actions []Action // of the audit log
}

// Source is where a source stands. A time is zero where there is none.
type Source struct {
	Name      string
	Snapshots int

	Last    time.Time // the newest snapshot
	Suspect bool      // of it
	Damaged int64     // records of it

	LastVerified time.Time // when one was verified last

	// The newest good snapshot, and its figures.
	LastGood    time.Time
	Records     int64
	Collections int
	BytesRead   int64
	BytesStored int64
	Took        time.Duration
}

// Dedup is what snapshots share, in bytes as stored.
type Dedup struct {
	Logical int64 // if each were stored by itself
	Stored  int64
}

// Action is what came of all commands of a kind with one outcome.
type Action struct {
	Name, Outcome string
	Count         int64
	Last          time.Time
	Took          time.Duration // the last one
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("autochrome_"+name, help, labels, nil)
}

var (
	snapshots    = desc("snapshots", "Snapshots in the repository, points of guarded runs included.", "source")
	lastTime     = desc("last_snapshot_timestamp_seconds", "When the newest snapshot was taken.", "source")
	lastSuspect  = desc("last_snapshot_suspect", "Whether the newest snapshot is suspect.", "source")
	lastDamaged  = desc("last_snapshot_damaged_records", "Damaged records in the newest snapshot.", "source")
	verifiedTime = desc("last_verified_timestamp_seconds", "When a snapshot was last read to the last byte and found whole.", "source")
	goodTime     = desc("last_good_snapshot_timestamp_seconds", "When the newest good snapshot was taken.", "source")
	goodRecords  = desc("last_good_snapshot_records", "Records in the newest good snapshot.", "source")
	goodLists    = desc("last_good_snapshot_collections", "Collections in the newest good snapshot.", "source")
	goodRead     = desc("last_good_snapshot_read_bytes", "What was read from Chroma for the newest good snapshot.", "source")
	goodStored   = desc("last_good_snapshot_stored_bytes", "What the newest good snapshot added to the repository.", "source")
	goodTook     = desc("last_good_snapshot_duration_seconds", "How long the newest good snapshot took.", "source")
	size         = desc("repository_size_bytes", "All files of the repository.")
	damagedFiles = desc("repository_damaged_files", "Files of the repository that could not be read when it was opened.")
	logicalBytes = desc("repository_logical_bytes", "What all snapshots would take if nothing were shared.")
	storedBytes  = desc("repository_stored_bytes", "What all snapshots take together.")
	dedupRatio   = desc("repository_dedup_ratio", "Logical bytes for each stored byte.")
	actions      = desc("actions_total", "Entries of the audit log.", "action", "outcome")
	actionTime   = desc("action_last_timestamp_seconds", "When an action last had this outcome.", "action", "outcome")
	actionTook   = desc("action_last_duration_seconds", "How long that took.", "action", "outcome")
)

// repositoryCollector tells what the repository said last; nothing before.
type repositoryCollector struct{ set *Set }

// Describe implements prometheus.Collector.
func (repositoryCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		snapshots, lastTime, lastSuspect, lastDamaged, verifiedTime,
		goodTime, goodRecords, goodLists, goodRead, goodStored, goodTook,
		size, damagedFiles, logicalBytes, storedBytes, dedupRatio, actions, actionTime, actionTook,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c repositoryCollector) Collect(ch chan<- prometheus.Metric) {
	r := c.set.repository.Load()
	if r == nil {
		return
	}
	put := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	at := func(d *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			put(d, seconds(t), labels...)
		}
	}
	for _, s := range r.Sources {
		put(snapshots, float64(s.Snapshots), s.Name)
		at(lastTime, s.Last, s.Name)
		at(verifiedTime, s.LastVerified, s.Name)
		if !s.Last.IsZero() {
			put(lastSuspect, map[bool]float64{true: 1}[s.Suspect], s.Name)
			put(lastDamaged, float64(s.Damaged), s.Name)
		}
		if !s.LastGood.IsZero() {
			at(goodTime, s.LastGood, s.Name)
			put(goodRecords, float64(s.Records), s.Name)
			put(goodLists, float64(s.Collections), s.Name)
			put(goodRead, float64(s.BytesRead), s.Name)
			put(goodStored, float64(s.BytesStored), s.Name)
			put(goodTook, s.Took.Seconds(), s.Name)
		}
	}
	put(size, float64(r.Bytes))
	put(damagedFiles, float64(r.Damaged))
	if d := r.Dedup; d != nil {
		put(logicalBytes, float64(d.Logical))
		put(storedBytes, float64(d.Stored))
		if d.Stored > 0 {
			put(dedupRatio, float64(d.Logical)/float64(d.Stored))
		}
	}
	for _, a := range r.Actions {
		ch <- prometheus.MustNewConstMetric(actions, prometheus.CounterValue, float64(a.Count), a.Name, a.Outcome)
		at(actionTime, a.Last, a.Name, a.Outcome)
		put(actionTook, a.Took.Seconds(), a.Name, a.Outcome)
	}
}

// seconds is a time as Prometheus has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
