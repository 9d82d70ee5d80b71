//go:build !unix

package process

import "os/exec"

// Elsewhere there are no groups of processes: the command alone is ended, at
// once.

func ownGroup(*exec.Cmd) {}

func endGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
