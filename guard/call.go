package guard

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// verb is what a request does to a database.
type verb string

const (
	reads     verb = ""
	adds      verb = "add"
	upserts   verb = "upsert"
	updates   verb = "update"
	deletes   verb = "delete"
	structure verb = "structure" // makes, changes, deletes or forks collections or databases
	unknown   verb = "unknown"   // nothing that this knows: a later server's
)

// call is a request to Chroma's API v2, as far as it matters.
type call struct {
	verb       verb
	collection string // server id, of calls about one collection's records
	words      string // for people: "upsert", "delete collection docs"
}

// pure are the POST calls about one collection that change nothing.
var pure = []string{"get", "query", "search", "count"}

// classify says what a request does. What it does not know it takes for a
// write, unless its method says otherwise.
func classify(method, escapedPath string) call {
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return call{verb: reads}
	}
	steps := split(escapedPath)
	// /api/v2/tenants/T/databases/D/collections/C/VERB
	if len(steps) < 2 || steps[0] != "api" || steps[1] != "v2" {
		return call{verb: unknown, words: method + " " + escapedPath}
	}
	steps = steps[2:]
	if len(steps) == 1 && slices.Contains([]string{"pre-flight-checks", "heartbeat"}, steps[0]) {
		return call{verb: reads}
	}
	if len(steps) < 5 || steps[0] != "tenants" || steps[2] != "databases" || steps[4] != "collections" {
		return call{verb: structure, words: strings.ToLower(method) + " " + strings.Join(steps, "/")}
	}
	steps = steps[5:]
	switch len(steps) {
	case 0:
		return call{verb: structure, words: "create a collection"}
	case 1:
		if method == http.MethodDelete {
			return call{verb: structure, words: "delete collection " + steps[0]}
		}
		return call{verb: structure, words: "modify collection " + steps[0]}
	}
	id, what := plainUUID(steps[0]), steps[1]
	if method == http.MethodPost && len(steps) == 2 {
		switch v := verb(what); {
		case slices.Contains(pure, what):
			return call{verb: reads}
		case v == adds || v == upserts || v == updates || v == deletes:
			return call{verb: v, collection: id, words: what}
		case what == "fork":
			return call{verb: structure, words: "fork collection " + id}
		}
	}
	return call{verb: unknown, collection: id, words: method + " " + strings.Join(steps[1:], "/")}
}

// plainUUID gives the id that Chroma tells for one in any form that it takes: in
// upper case, without hyphens, in braces or as a URN. What is no UUID stays as it is.
func plainUUID(id string) string {
	digits := strings.TrimPrefix(strings.ToLower(id), "urn:uuid:")
	digits = strings.TrimSuffix(strings.TrimPrefix(digits, "{"), "}")
	digits = strings.ReplaceAll(digits, "-", "")
	if _, err := hex.DecodeString(digits); err != nil || len(digits) != 32 {
		return id
	}
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// split gives the steps of a path, each unescaped; empty ones are left out, as
// servers do.
func split(escapedPath string) []string {
	var out []string
	for step := range strings.SplitSeq(escapedPath, "/") {
		if step == "" {
			continue
		}
		if s, err := url.PathUnescape(step); err == nil {
			step = s
		}
		out = append(out, step)
	}
	return out
}
