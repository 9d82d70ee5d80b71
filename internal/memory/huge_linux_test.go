package memory

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestUseHugePages: the kernel lists as much memory as was asked for with the
// flag for huge pages.
func TestUseHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		return // a kernel without them: there is nothing to ask for
	}
	const asked = 16 << 20
	UseHugePages(asked)
	total := int64(0)
	for _, r := range advised(t) {
		total += r
	}
	if total < asked {
		t.Errorf("%d bytes are advised, of %d", total, asked)
	}
}

// advised gives the sizes of the regions of memory with the flag.
func advised(t *testing.T) (sizes []int64) {
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
			sizes = append(sizes, size)
		}
	}
	return sizes
}
