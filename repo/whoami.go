package repo

import (
	"cmp"
	"os"
	"os/user"
	"sync"
)

// whoami says on which host and as which user this process runs.
func whoami() (host, name string) { w := self(); return w[0], w[1] }

var self = sync.OnceValue(func() [2]string {
	host, _ := os.Hostname()
	name := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME"))
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return [2]string{host, name}
})
