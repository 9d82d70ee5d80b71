package filter

import (
	"regexp"
	"strings"
)

// compileRegex reads a pattern of the servers' language, which is Rust's regex.
// Go's has the same syntax and meaning but for a few things, and these are
// refused: nothing shall be selected that the server would not select.
func compileRegex(pattern string) (*regexp.Regexp, error) {
	inClass := false
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch c := pattern[i]; {
		case c == '\\' && len(rest) > 1:
			i++
			if strings.IndexByte(`wWdDsSbB<>QEC01234567`, rest[1]) >= 0 {
				return nil, wrong(`the pattern %q: \%c means something else to the server; write out the characters that you mean, as [0-9A-Za-z_]`, pattern, rest[1])
			}
		case inClass && (strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "~~") || c == '[' && !strings.HasPrefix(rest, "[:")):
			return nil, wrong("the pattern %q: classes within classes mean something else to the server", pattern)
		case strings.HasPrefix(rest, "{,"):
			return nil, wrong("the pattern %q: write {0,n} for {,n}", pattern)
		case !inClass && c == '[':
			inClass = true
			if strings.HasPrefix(rest[1:], "^") {
				i++
			}
			if strings.HasPrefix(pattern[i+1:], "]") {
				i++ // the first one is a character
			}
		case inClass && strings.HasPrefix(rest, "[:"):
			if end := strings.Index(rest, ":]"); end > 0 {
				i += end + 1
			}
		case inClass && c == ']':
			inClass = false
		}
	}
	expr, err := regexp.Compile(pattern)
	if err != nil {
		return nil, wrong("the pattern %q: %v", pattern, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return expr, nil
}
