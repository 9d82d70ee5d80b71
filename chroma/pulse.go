package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Pulse is what a server tells of itself.
type Pulse struct {
	Version  string        // see Database.Version
	Time     time.Time     // by the server's clock, at the heartbeat
	Heard    time.Time     // by this machine's, halfway between request and answer
	Latency  time.Duration // of the heartbeat, from request to answer
	Features Features
}

// Pulse asks for a heartbeat, the version and the features.
func (d *Database) Pulse(ctx context.Context) (p Pulse, err error) {
	var answer bytes.Buffer
	begun := time.Now()
	err = d.send(ctx, request{op: "ask for a heartbeat", method: http.MethodGet, path: "/api/v2/heartbeat", again: true, limit: 1 << 20}, &answer)
	p.Latency = time.Since(begun)
	p.Heard = begun.Add(p.Latency / 2)
	if err != nil {
		return p, err
	}
	var beat struct {
		Nanos int64 `json:"nanosecond heartbeat"`
	}
	if err := json.Unmarshal(answer.Bytes(), &beat); err != nil || beat.Nanos <= 0 {
		return p, &Error{Op: "ask for a heartbeat", URL: d.url, Kind: ErrAnswer, Message: "it tells no time"}
	}
	p.Time = time.Unix(0, beat.Nanos)
	if p.Version, err = d.Version(ctx); err != nil {
		return p, err
	}
	p.Features, err = d.featuresAnywhere(ctx)
	return p, err
}
