package backend

import "strings"

const (
	// maxName fits every store: file systems allow 255 bytes in a segment,
	// some of which temporary names need, and S3 1,024 in all.
	maxName = 200

	// tmpPrefix begins the segment of an object that is being written.
	tmpPrefix = "tmp-"
)

// checkName is the one judge of names. What it lets through is a safe path
// on every system; Windows' device names are left to os.Root, which refuses them.
func checkName(op, name string) error {
	if !validName(name) {
		return &Error{Op: op, Where: quote(name), Kind: ErrName}
	}
	return nil
}

// checkFolder judges what List is asked for.
func checkFolder(op, folder string) error {
	name, slash := strings.CutSuffix(folder, "/")
	if folder != "" && (!slash || !validName(name)) {
		return &Error{Op: op, Where: quote(folder), Kind: ErrName}
	}
	return nil
}

func validName(name string) bool {
	if len(name) > maxName {
		return false
	}
	for segment := range strings.SplitSeq(name, "/") {
		if !validSegment(segment) {
			return false
		}
	}
	return true
}

// validSegment refuses a leading dot also because file servers and desktops
// put hidden things of their own (.snapshot, .nfs0001) into any folder, and a
// trailing one because Windows drops it.
func validSegment(s string) bool {
	if s == "" || !alphanumeric(s[0]) || s[len(s)-1] == '.' || strings.HasPrefix(s, tmpPrefix) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}
