package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"autochrome/internal/process"
)

// Hook is a command that is run before or after an action.
type Hook struct {
	Command []string
	Env     []string      // besides the facts; nil: nothing else
	Timeout time.Duration // zero: none
	Stdout  io.Writer
	Stderr  io.Writer

	patience time.Duration // zero: hookPatience
}

// hookPatience is how long a command that is stopped may take to end, and how
// long one that has ended may leave its output open to others.
const hookPatience = 2 * time.Second

// ErrTimeout means that a hook took too long.
var ErrTimeout = errors.New("it was stopped")

// Run runs the command and waits for its end. An exit code other than 0 is an
// error. One that takes too long, or whose context ends, is ended with all that
// it started; what it leaves running after its own end stays.
func (h Hook) Run(ctx context.Context, f Facts) error {
	cmd := exec.Command(h.Command[0], h.Command[1:]...)
	cmd.Env = append(append([]string{}, h.Env...), f.Env()...)
	cmd.Stdout, cmd.Stderr = h.Stdout, h.Stderr
	if h.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, h.Timeout, fmt.Errorf("%w after %v", ErrTimeout, h.Timeout))
		defer cancel()
	}
	patience := h.patience
	if patience == 0 {
		patience = hookPatience
	}
	p, err := process.Start(cmd, patience)
	if err != nil {
		return err
	}
	err = p.Wait(ctx)
	select {
	case <-p.Done():
	default:
		p.Stop()
	}
	return err
}
