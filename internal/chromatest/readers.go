package chromatest

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

var otherReaders = sync.OnceValues(func() (string, error) {
	return runInstaller("other-readers.sh", "the readers of others")
})

// Node runs a JavaScript module beside readers that others wrote, which it finds
// by their names: @duckdb/node-api, parquet-wasm, apache-arrow, jq-wasm. It gives
// what the module prints; args stand behind "--" in process.argv.
func Node(t testing.TB, module string, args ...string) []byte {
	t.Helper()
	folder, err := otherReaders()
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	cmd := exec.Command("node", append([]string{"--input-type=module", "-", "--"}, args...)...)
	cmd.Dir = folder
	cmd.Stdin = strings.NewReader(module)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	return out
}
