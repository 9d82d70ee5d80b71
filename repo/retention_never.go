package repo

import "autochrome/chunk"

// Tags that the program gives to snapshots of kind pre-rollback.
const (
	// TagSupplement marks a supplement; its value is the display id of the state
	// before the rollback that it belongs to, in the repository where both were
	// made.
	TagSupplement = "supplement-of"
	// TagRollback says what became of the rollback; RollbackUnused: it wrote
	// nothing, so there is nothing to undo.
	TagRollback    = "rollback"
	RollbackUnused = "wrote nothing"
)

// TagRunBase marks the snapshot that a migration run begins with.
const TagRunBase = "guard-base"

// TagRepaired marks what is left of a damaged snapshot; its value is the display
// id of that one.
const TagRepaired = "repaired-from"

// OwnTags are the names of tags that mean something to the program.
var OwnTags = []string{string(KindPreRollback), TagSupplement, TagRollback, TagRunBase, TagRepaired}

// What is never removed by a rule, of one source and scope: the last snapshot
// and the last good one. States before rollbacks are neither.
func (d *deciding) lasts(group []Snapshot) {
	last, lastGood := lastsOf(group, d.notes)
	if lastGood != nil {
		d.keep(*lastGood, "last good one of its source")
	}
	if last != nil && (lastGood == nil || last.ID != lastGood.ID) {
		d.keep(*last, "last one of its source")
	}
}

func lastsOf(group []Snapshot, notes map[chunk.ID]Notes) (last, lastGood *Snapshot) {
	for i, s := range group {
		if s.Kind == KindPreRollback {
			continue
		}
		last = &group[i]
		if notes[s.ID].Suspect(s) == "" {
			lastGood = &group[i]
		}
	}
	return last, lastGood
}

func (d *deciding) held(list []Snapshot) {
	for _, s := range list {
		if why, held := d.notes[s.ID].Held(); held && why != "" {
			d.keep(s, "held: "+why)
		} else if held {
			d.keep(s, "held")
		}
	}
}

// beforeRollbacks keeps the state before each source's last rollback, and its
// supplements.
func (d *deciding) beforeRollbacks(list []Snapshot) {
	last := map[string]Snapshot{} // by source
	for _, s := range list {
		tags := d.notes[s.ID].Tags(s)
		_, supplement := tags[TagSupplement]
		if s.Kind == KindPreRollback && !supplement && tags[TagRollback] != RollbackUnused {
			last[s.Source] = s
		}
	}
	for _, s := range list {
		before, ok := last[s.Source]
		switch {
		case !ok || s.Kind != KindPreRollback:
		case s.ID == before.ID:
			d.keep(s, "state before the last rollback")
		case d.notes[s.ID].Tags(s)[TagSupplement] == before.OriginalID():
			d.keep(s, "supplement of the state before the last rollback")
		}
	}
}

// Irreplaceable gives those of the snapshots to be removed that are the last
// good one of their source and scope, or the last one where none is good.
func Irreplaceable(list []Snapshot, notes map[chunk.ID]Notes, remove map[chunk.ID]bool) (out []Snapshot) {
	for _, group := range grouped(list) {
		last, lastGood := lastsOf(group, notes)
		if lastGood == nil {
			lastGood = last
		}
		if lastGood == nil || !remove[lastGood.ID] {
			continue
		}
		var rest []Snapshot
		for _, s := range group {
			if !remove[s.ID] {
				rest = append(rest, s)
			}
		}
		was := notes[lastGood.ID].Suspect(*lastGood) == ""
		if last, good := lastsOf(rest, notes); was && good == nil || !was && last == nil {
			out = append(out, *lastGood)
		}
	}
	return out
}
