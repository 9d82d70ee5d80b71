package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"time"
)

// stopPatience is how long a command may take to end after it was asked to.
const stopPatience = 10 * time.Second

// child is a command of the run's.
type child struct {
	cmd      *exec.Cmd
	patience time.Duration
	done     chan struct{}
	err      error // once done is closed
}

// start runs a command with the proxy's address in its environment.
func (o *Options) start(command []string, env []string) (*child, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, o.Stdin, o.Stdout, o.Stderr
	patience := cmp.Or(o.Patience, stopPatience)
	cmd.WaitDelay = patience // for children of it that keep its output open
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the command cannot be run: %w", err)
	}
	c := &child{cmd: cmd, patience: patience, done: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// stop asks the command and all that it started to end, and then makes them.
func (c *child) stop() {
	select {
	case <-c.done:
	default:
		_ = endGroup(c.cmd) // it may have ended
		select {
		case <-c.done:
		case <-time.After(c.patience):
		}
	}
	_ = killGroup(c.cmd) // what it started may be left
	<-c.done
}

// code is the command's exit code: -1 where a signal ended it.
func (c *child) code() int {
	if c.cmd.ProcessState == nil {
		return -1
	}
	return c.cmd.ProcessState.ExitCode()
}

// wait waits for the command's end.
func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.done:
		if errors.Is(c.err, exec.ErrWaitDelay) { // it ended well; what it started goes on
			return nil
		}
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// environment is what clients of Chroma read to find the server.
func environment(proxy string) []string {
	u, err := url.Parse(proxy)
	if err != nil {
		return nil // it is made of a listener's address
	}
	return []string{
		"CHROMADB_URL=" + proxy,
		"CHROMA_URL=" + proxy,
		"CHROMA_HOST=" + u.Hostname(),
		"CHROMA_PORT=" + u.Port(),
		"CHROMA_SSL=false",
		"CHROMA_SERVER_HOST=" + u.Hostname(),
		"CHROMA_SERVER_HTTP_PORT=" + u.Port(),
	}
}
