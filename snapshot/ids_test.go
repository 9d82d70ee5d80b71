package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// listed is a source that only lists ids.
type listed struct {
	Source
	ids [][]byte
}

func (l listed) IDs(_ context.Context, _ string, fn func(id []byte) error) error {
	for _, id := range l.ids {
		if err := fn(id); err != nil {
			return err
		}
	}
	return nil
}

// TestIDList: ids come back as they were listed, in batches of any size, of which
// each stands until the next is asked for.
func TestIDList(t *testing.T) {
	src := listed{}
	for i := range 5000 {
		src.ids = append(src.ids, []byte(fmt.Sprint(i, strings.Repeat("x", i*7919%300))))
	}
	src.ids = append(src.ids, nil, bytes.Repeat([]byte("long"), 50_000))
	l, err := listIDs(t.Context(), src, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.count != len(src.ids) {
		t.Errorf("%d ids, want %d", l.count, len(src.ids))
	}
	at := 0
	for size := 1; ; size = 3*size%1000 + 1 {
		batch, err := l.next(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 {
			break
		}
		for _, id := range batch {
			if !bytes.Equal(id, src.ids[at]) {
				t.Fatalf("id %d is %.40q, want %.40q", at, id, src.ids[at])
			}
			at++
		}
	}
	if at != len(src.ids) {
		t.Errorf("%d ids came, of %d", at, len(src.ids))
	}
	for _, change := range []struct {
		src  listed
		want bool
	}{
		{src, true},
		{listed{ids: src.ids[1:]}, false},
		{listed{ids: append([][]byte{src.ids[1], src.ids[0]}, src.ids[2:]...)}, false},
	} {
		if same, err := l.unchanged(t.Context(), change.src, ""); same != change.want || err != nil {
			t.Errorf("unchanged says %v, %v, want %v", same, err, change.want)
		}
	}
}
