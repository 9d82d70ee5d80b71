package guard

import (
	"cmp"
	"fmt"
	"net/url"
	"os/exec"
	"time"

	"autochrome/internal/process"
)

// stopPatience is how long a command may take to end after it was asked to.
const stopPatience = 10 * time.Second

// start runs a command with the proxy's address in its environment.
func (o *Options) start(command []string, env []string) (*process.Process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, o.Stdin, o.Stdout, o.Stderr
	c, err := process.Start(cmd, cmp.Or(o.Patience, stopPatience))
	if err != nil {
		return nil, fmt.Errorf("the command cannot be run: %w", err)
	}
	return c, nil
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
