package main

import (
	"regexp"
	"strings"
)

// ageSecret begins an age identity.
const ageSecret = "AGE-SECRET-KEY-"

// typed is a command line for the record: quoted where need be, without what
// might be secret. Of a command of the user's behind -- less is kept than is
// secret.
func typed(args []string) string {
	words := make([]string, len(args))
	hide := false   // the word is what an option means that may hold a secret
	theirs := false // it is of the user's command
	for i, a := range args {
		if i == 0 {
			a = "autochrome"
		}
		name, _, has := strings.Cut(a, "=")
		switch secret := isFlag(a) && (!theirs && isCommandFlag(name) || theirs && secretFlag.MatchString(name)); {
		case a == "--":
			hide, theirs = false, true
		case hide:
			a, hide = "…", false
		case secret && has:
			a = name + "=…"
		case secret:
			hide = true
		case strings.Contains(strings.ToUpper(a), ageSecret): // in the place of its file
			a = "…"
		case theirs:
			a = assignment.ReplaceAllString(a, "$1$2=…")
			a = secretWithin.ReplaceAllString(a, "$1$2…")
		}
		if at := strings.LastIndex(a, "@"); at >= 0 {
			if begin := strings.Index(a, "://"); begin >= 0 && begin < at {
				a = a[:begin+3] + "…" + a[at:]
			}
		}
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?;&|<>()#") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words[i] = a
	}
	return strings.Join(words, " ")
}

// isCommandFlag reports whether a flag of ours has a command as its value.
func isCommandFlag(name string) bool {
	name = strings.TrimLeft(name, "-")
	return strings.HasSuffix(name, "-command") || strings.HasPrefix(name, "hook-") || name == "validate"
}

// These find secrets in a command of the user's, also in a text for a shell.
const (
	secretWords = `(?i:token|passw|passphrase|secret|key|auth|credential|header)`
	oneValue    = `(?:"[^"]*"?|'[^']*'?|[^\s"']+)`
)

var (
	secretFlag   = regexp.MustCompile(`^(?:--?[\w-]*` + secretWords + `[\w-]*|-H|-u)$`)
	secretWithin = regexp.MustCompile(`(^|\s)(--?[\w-]*` + secretWords + `[\w-]*(?:=|\s+)|-[Hu]\s+)` + oneValue)
	assignment   = regexp.MustCompile(`(^|[\s;&|?({"'])([A-Za-z_]\w*)=` + oneValue)
)
