//go:build !unix

package bench

import (
	"os"
	"time"
)

// Not known here; it is reported as 0.

func selfCPU() time.Duration            { return 0 }
func peakMemory(*os.ProcessState) int64 { return 0 }
