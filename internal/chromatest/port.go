package chromatest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports lie below those that systems hand out to outgoing connections
// (from 32768 on Linux, 49152 on macOS), so that no client can take a server's
// port while the server is down between Kill and Restart.
const firstPort, lastPort = 20000, 32767

// reservation keeps a port from every other user of this package, in any
// process: it holds the UDP port of the same number, which no server wants and
// which the kernel frees when the process ends.
type reservation struct {
	port int
	hold net.PacketConn
}

func reservePort() (*reservation, error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		hold, err := net.ListenPacket("udp4", address)
		if err != nil {
			continue
		}
		probe, err := net.Listen("tcp4", address)
		if err != nil {
			hold.Close()
			continue
		}
		probe.Close()
		return &reservation{port: port, hold: hold}, nil
	}
	return nil, errors.New("no free port on 127.0.0.1")
}

func (r *reservation) release() { r.hold.Close() }
