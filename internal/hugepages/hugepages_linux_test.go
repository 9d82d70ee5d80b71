package hugepages

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestUse: the kernel lists as much memory as was asked for with the flag for huge
// pages, and little more: none of the runtime's tables.
func TestUse(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		return // a kernel without them: there is nothing to ask for
	}
	before := advised(t)
	if before < Needed || before > Needed+3*hugePage {
		t.Errorf("from the start, %d bytes are advised", before)
	}
	const asked = 128 << 20
	Use(asked)
	if now := advised(t); now < asked || now > before+asked+3*hugePage {
		t.Errorf("%d bytes are advised, %d were before; asked for %d", now, before, asked)
	}
}

// advised gives how much memory has the flag.
func advised(t *testing.T) (all int64) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var size int64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) > 1 && words[0] == "Size:":
			kb, err := strconv.ParseInt(words[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			size = kb << 10
		case len(words) > 0 && words[0] == "VmFlags:" && strings.Contains(lines.Text(), " hg"):
			all += size
		}
	}
	return all
}
