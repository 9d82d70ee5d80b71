package chroma

import (
	"errors"
	"fmt"
	"io"
)

// maxToken bounds one string of a streamed answer: far beyond any id, since
// Chroma accepts bodies of 40 MiB.
const maxToken = 64 << 20

// idStream reads the answer to a get that included nothing, through a window
// that moves over it, and calls fn with each id.
type idStream struct {
	in      io.Reader
	fn      func(id []byte) error
	buf     []byte // the window
	i       int    // what of it has been read
	passed  int    // bytes before the window
	end     error  // why no more will come
	scratch []byte
}

func (s *idStream) run() error {
	found := false
	err := s.members('{', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		isIDs := string(key) == "ids"
		if _, err := s.want(':', ':'); err != nil {
			return err
		}
		if !isIDs {
			return s.skip(0)
		}
		if found {
			return s.wrong("ids: stands twice")
		}
		found = true
		return s.members('[', s.id)
	})
	if err != nil {
		return err
	}
	if !found {
		return s.wrong("no ids")
	}
	if _, err := s.peek(); err == nil {
		return s.wrong("text behind the answer")
	} else if !errors.Is(s.end, io.EOF) {
		return s.end
	}
	return nil
}

func (s *idStream) id() error {
	id, err := s.text()
	if err != nil {
		return err
	}
	if len(id) == 0 {
		return s.wrong("ids: an empty id")
	}
	return s.fn(id)
}

// members walks over an object or array; member reads one member of it.
func (s *idStream) members(opening byte, member func() error) error {
	closing := opening + 2 // '}' or ']'
	if _, err := s.want(opening, opening); err != nil {
		return err
	}
	if c, err := s.peek(); err != nil {
		return err
	} else if c == closing {
		s.i++
		return nil
	}
	for {
		if err := member(); err != nil {
			return err
		}
		if c, err := s.want(',', closing); err != nil || c == closing {
			return err
		}
	}
}

// skip passes over a value that is not wanted.
func (s *idStream) skip(depth int) error {
	c, err := s.peek()
	switch {
	case err != nil:
		return err
	case depth > maxDepth:
		return s.wrong("nested deeper than %d", maxDepth)
	case c == '"':
		_, err := s.text()
		return err
	case c == '[':
		return s.members('[', func() error { return s.skip(depth + 1) })
	case c == '{':
		return s.members('{', func() error {
			if _, err := s.text(); err != nil {
				return err
			}
			if _, err := s.want(':', ':'); err != nil {
				return err
			}
			return s.skip(depth + 1)
		})
	}
	return s.word()
}

// word passes over a number, true, false or null.
func (s *idStream) word() error {
	n := 0
	for {
		for s.i+n < len(s.buf) && isWord(s.buf[s.i+n]) {
			n++
		}
		if s.i+n < len(s.buf) || s.more() != nil {
			break
		}
	}
	word := s.buf[s.i : s.i+n]
	if valueAt(word, 0, 0, &s.scratch) != n || n == 0 {
		return s.wrong("not a JSON value")
	}
	s.i += n
	return nil
}

func isWord(c byte) bool {
	return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.'
}

// text reads a string; it is valid until the next.
func (s *idStream) text() ([]byte, error) {
	if c, err := s.peek(); err != nil {
		return nil, err
	} else if c != '"' {
		return nil, s.wrong("a string expected")
	}
	n := 1 // bytes of it that were looked at
	for {
		var closed bool
		if n, closed = closingQuote(s.buf[s.i:], n); closed {
			break
		}
		if err := s.more(); err != nil {
			return nil, s.wrong("a string without end")
		}
	}
	raw, escaped, end := stringAt(s.buf[:s.i+n+1], s.i)
	if end < 0 {
		return nil, s.wrong("not a string of valid UTF-8")
	}
	if escaped {
		var ok bool
		if s.scratch, ok = unescape(s.scratch[:0], raw); !ok {
			return nil, s.wrong("a string with an escape that is no text")
		}
		raw = s.scratch
	}
	s.i = end
	return raw, nil
}

// closingQuote looks from place n on for the quote that ends the string, or
// gives the place from where to look again when there is more.
func closingQuote(b []byte, n int) (place int, closed bool) {
	for n < len(b) {
		switch b[n] {
		case '"':
			return n, true
		case '\\':
			if n+1 == len(b) {
				return n, false
			}
			n++
		}
		n++
	}
	return n, false
}

// want skips white space and then one byte that is either of two.
func (s *idStream) want(a, b byte) (byte, error) {
	c, err := s.peek()
	if err != nil {
		return 0, err
	}
	if c != a && c != b {
		return 0, s.wrong("%q or %q expected", a, b)
	}
	s.i++
	return c, nil
}

// peek skips white space and gives the byte behind it.
func (s *idStream) peek() (byte, error) {
	for {
		s.i = skipSpace(s.buf, s.i)
		if s.i < len(s.buf) {
			return s.buf[s.i], nil
		}
		if s.more() != nil {
			return 0, s.wrong("more expected")
		}
	}
}

// more moves the window so that it begins at what is not read yet, and
// lengthens it.
func (s *idStream) more() error {
	if s.end != nil {
		return s.end
	}
	n := copy(s.buf, s.buf[s.i:])
	s.buf, s.passed, s.i = s.buf[:n], s.passed+s.i, 0
	if n == cap(s.buf) {
		if n >= maxToken {
			s.end = fmt.Errorf("a string of more than %d bytes", maxToken)
			return s.end
		}
		bigger := make([]byte, n, max(64<<10, 2*n))
		copy(bigger, s.buf)
		s.buf = bigger
	}
	got, err := s.in.Read(s.buf[n:cap(s.buf)])
	s.buf, s.end = s.buf[:n+got], err
	if got > 0 {
		return nil // whatever err is, these bytes come first
	}
	return err
}

// wrong says what is wrong with the answer, unless it could not be read at all.
func (s *idStream) wrong(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if s.end != nil && !errors.Is(s.end, io.EOF) {
		return fmt.Errorf("%s: %w", what, s.end)
	}
	if s.end != nil && s.i >= len(s.buf) {
		what += ", and the answer ends there"
	}
	return fmt.Errorf("%s (at byte %d)", what, s.passed+s.i)
}
