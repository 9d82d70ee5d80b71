// Package deploy has samples for running Autochrome by itself, and tests that
// carry out the command lines in them.
package deploy
