package bench

import (
	"os"
	"runtime/debug"
	"testing"

	"autochrome/internal/chromatest"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(childArgs); args != "" {
		os.Exit(child(args))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // as the program does
	}
	defer func() {
		_ = os.Remove(programPath()) // there is none where nothing asked for it
		if theWorld != nil {
			_ = os.RemoveAll(theWorld.folder)
		}
	}()
	chromatest.Main(m)
}
