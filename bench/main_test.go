package bench

import (
	"os"
	"testing"

	"autochrome/internal/chromatest"
	"autochrome/internal/hugepages"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(childArgs); args != "" {
		os.Exit(child(args))
	}
	hugepages.Use(4 * hugepages.Needed) // as the program does, beside the workload
	defer func() {
		_ = os.Remove(programPath()) // there is none where nothing asked for it
		if theWorld != nil {
			_ = os.RemoveAll(theWorld.folder)
		}
	}()
	chromatest.Main(m)
}
