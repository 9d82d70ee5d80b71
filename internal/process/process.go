// Package process runs a command together with all that it starts, so that all
// of it can be ended (Start), and tells what a process has used.
package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// Process is a command that was started.
type Process struct {
	cmd      *exec.Cmd
	patience time.Duration
	done     chan struct{}
	err      error // once done is closed
}

// Start starts a command as the leader of a group of its own. patience is how
// long it may take to end after it was asked to, and how long what it started
// may keep its output open after its end.
func Start(cmd *exec.Cmd, patience time.Duration) (*Process, error) {
	cmd.WaitDelay = patience
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, patience: patience, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the command has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop asks the command and all that it started to end, and then makes them.
func (p *Process) Stop() {
	select {
	case <-p.done:
	default:
		_ = endGroup(p.cmd) // it may have ended
		select {
		case <-p.done:
		case <-time.After(p.patience):
		}
	}
	_ = killGroup(p.cmd) // what it started may be left
	<-p.done
}

// Code is the exit code of a command that has ended: -1 where a signal ended it.
func (p *Process) Code() int {
	if p.cmd.ProcessState == nil {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// State says how a command ended that has; else nil.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Wait waits for the command's end and gives its error, or the context's cause.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		if errors.Is(p.err, exec.ErrWaitDelay) { // it ended well; what it started goes on
			return nil
		}
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
