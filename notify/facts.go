package notify

import (
	"maps"
	"slices"
	"strings"
)

// Facts are what is known of an action. Names are in lower case with
// underscores, such as snapshot_id. None of them is a secret.
type Facts map[string]string

// prefix begins the variables of facts.
const prefix = "AUTOCHROME_"

// maxFact bounds a fact in the environment, in bytes: systems refuse commands
// with long ones.
const maxFact = 8 << 10

// Env gives the facts as variables: AUTOCHROME_SNAPSHOT_ID is snapshot_id.
func (f Facts) Env() []string {
	env := make([]string, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		text := strings.ReplaceAll(f[name], "\x00", "")
		if len(text) > maxFact {
			text = strings.ToValidUTF8(text[:maxFact], "")
		}
		env = append(env, prefix+strings.ToUpper(name)+"="+text)
	}
	return env
}
