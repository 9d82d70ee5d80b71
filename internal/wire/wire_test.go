package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

func TestUvarint(t *testing.T) {
	for _, v := range []uint64{0, 1, 127, 128, 300, 1 << 32, math.MaxInt64, math.MaxUint64} {
		b := binary.AppendUvarint(nil, v)
		d := Reader{Rest: append(b, 7)}
		if got := d.Uvarint(); got != v || d.Err != nil || len(d.Rest) != 1 {
			t.Errorf("%d: have %d, %v", v, got, d.Err)
		}
		for i := range b {
			if d := (Reader{Rest: b[:i]}); d.Uvarint() != 0 || d.Err == nil {
				t.Errorf("%d cut off at %d is read", v, i)
			}
		}
		long := bytes.Clone(b)
		long[len(long)-1] |= 0x80
		if d := (Reader{Rest: append(long, 0)}); d.Uvarint() != 0 || d.Err == nil {
			t.Errorf("%d in a longer form is read", v)
		}
	}
	if d := (Reader{Rest: bytes.Repeat([]byte{0xff}, 11)}); d.Uvarint() != 0 || d.Err == nil {
		t.Error("a number without end is read")
	}
}

func TestInt(t *testing.T) {
	for _, c := range []struct {
		v     uint64
		limit int
		ok    bool
	}{{0, 0, true}, {1, 0, false}, {5, 5, true}, {6, 5, false}, {math.MaxUint64, math.MaxInt, false}} {
		d := Reader{Rest: binary.AppendUvarint(nil, c.v)}
		if got := d.Int(c.limit); c.ok != (d.Err == nil) || c.ok && got != int(c.v) || !c.ok && got != 0 {
			t.Errorf("%d of at most %d: have %d, %v", c.v, c.limit, got, d.Err)
		}
	}
}

func TestTake(t *testing.T) {
	d := Reader{Rest: []byte("abc")}
	if b := d.Take(2); string(b) != "ab" || cap(b) != 2 {
		t.Errorf("have %q with room for %d", b, cap(b))
	}
	if b := d.Take(-1); b != nil || d.Err == nil {
		t.Errorf("have %q, %v", b, d.Err)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{"\x00": "", "\x02ab": "ab", "\x02é": "é"} {
		if d := (Reader{Rest: []byte(in)}); string(d.Text()) != want || d.End() != nil {
			t.Errorf("%q: %v", in, d.Err)
		}
	}
	for _, in := range []string{"", "\x01", "\x01\xff", "\x81\x00a", "\x01é"} {
		if d := (Reader{Rest: []byte(in)}); d.Text() != nil && d.Err == nil {
			t.Errorf("%q is read", in)
		}
	}
}

func TestBits(t *testing.T) {
	for _, c := range []struct {
		b     []byte
		n     int
		count int
		ok    bool
	}{
		{nil, 0, 0, true},
		{[]byte{0}, 1, 0, true},
		{[]byte{0b101}, 3, 2, true},
		{[]byte{0b101}, 2, 0, false},
		{[]byte{0xff}, 8, 8, true},
		{[]byte{0xff, 1}, 9, 9, true},
		{[]byte{0xff, 2}, 9, 0, false},
		{[]byte{0xff}, 9, 0, false},
	} {
		d := Reader{Rest: c.b}
		set, count := d.Bits(c.n)
		if (d.Err == nil) != c.ok || count != c.count || c.ok && len(set) != (c.n+7)/8 {
			t.Errorf("%x of %d: %x, %d, %v", c.b, c.n, set, count, d.Err)
		}
	}
}

// The first failure stays, and nothing is read after it.
func TestFirstFailureStays(t *testing.T) {
	d := Reader{Rest: []byte{0x81, 0x00, 1, 2, 3}}
	d.Uvarint()
	first := d.Err
	if first == nil {
		t.Fatal("a number that is not in its shortest form is read")
	}
	if d.Byte() != 0 || d.Take(1) != nil || d.Uvarint() != 0 || d.Int(9) != 0 || d.Err != first || d.End() != first {
		t.Errorf("read on behind a failure: %v", d.Err)
	}
	if d := (Reader{Rest: []byte{1}}); d.End() == nil {
		t.Error("a byte too many is no failure")
	}
}
