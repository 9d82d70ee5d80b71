package chroma

import (
	"testing"
	"time"

	"autochrome/internal/chromatest"
)

func TestPulse(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		p, err := openClient(t, c).Pulse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p.Version != "1.0.0" || p.Latency <= 0 || p.Heard.Sub(p.Time).Abs() > time.Minute || time.Since(p.Heard) < p.Latency/2 {
			t.Errorf("%+v", p)
		}
		if newest := c.Server.Version == chromatest.Newest; p.Features.Arrays != newest || p.Features.AnyKey == newest {
			t.Errorf("features %+v", p.Features)
		}
	})
}
