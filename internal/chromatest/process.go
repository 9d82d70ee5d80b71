package chromatest

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one run of the server.
type process struct {
	cmd  *exec.Cmd
	log  tail
	gone chan struct{} // closed when it has ended and been waited for

	// lifeline is the server's standard input. The server kills itself when it
	// closes, which the kernel sees to however this process ends.
	lifeline io.WriteCloser
}

func startProcess(script string, v Version, dir string, port int, config string) (*process, error) {
	args := []string{string(v), dir, strconv.Itoa(port)}
	if config != "" {
		args = append(args, config)
	}
	p := &process{cmd: exec.Command(script, args...), gone: make(chan struct{})}
	// A backtrace would push the reason out of the last words.
	p.cmd.Env = append(os.Environ(), "AUTOCHROME_DIE_WITH_STDIN=1", "RUST_BACKTRACE=0")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = time.Second
	var err error
	if p.lifeline, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended tells nothing: Chroma exits 0 even where it could not start
		close(p.gone)
	}()
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// kill uses SIGKILL at once, because the newest server may hang on SIGTERM.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
	<-p.gone
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) lines(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}
