// Package restore brings a snapshot back: it plans the changes that make a
// target equal to the snapshot ([MakePlan]), applies them, and compares the
// result record by record. [Rollback] does all of it, into the source.
//
// A plan is a difference, so there is no state to resume from: running it
// again after an interruption does what is left.
package restore
