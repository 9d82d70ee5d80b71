// Package metrics says in Prometheus' words what a repository holds and what
// was done: as an endpoint, and as a file for node_exporter's textfile
// collector.
//
// Start with Set and Repository. Times are told as Unix times and not as ages,
// since a file that nobody writes any more would stay young.
package metrics
