package chunk

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCanonicalJSON(t *testing.T) {
	for text, want := range map[string]string{
		` null `:                      `null`,
		"{ }":                         `{}`,
		"[\n]":                        `[]`,
		`{"b":1,"a":{"d":[],"c":{}}}`: `{"a":{"c":{},"d":[]},"b":1}`,
		`[1, 1.0, 1e0, -0, 12345678901234567890123]`: `[1,1.0,1e0,-0,12345678901234567890123]`,
		`"A\u00e9\ud83d\ude00\/"`:                    `"Aé😀/"`,
		`"\b\f\n\r\t\u0000\u001f\"\\"`:               `"\u0008\u000c\n\r\t\u0000\u001f\"\\"`,
		"\"\u2028<>&\x7f\"":                          "\"\u2028<>&\x7f\"",
		`{"é":1,"z":2,"\ud83d\ude00":3}`:             `{"z":2,"é":1,"😀":3}`,
		`[true,false,null]`:                          `[true,false,null]`,
	} {
		have, err := CanonicalJSON([]byte(text))
		if err != nil || string(have) != want {
			t.Errorf("%s: have %s (%v), want %s", text, have, err, want)
		}
		again, err := CanonicalJSON(have)
		if err != nil || string(again) != want {
			t.Errorf("%s: again %s (%v)", text, again, err)
		}
	}
}

func TestCanonicalJSONRefused(t *testing.T) {
	deep := strings.Repeat("[", maxJSONDepth+2) + strings.Repeat("]", maxJSONDepth+2)
	for _, text := range []string{
		``, ` `, `1 2`, `{}{}`, `[1`, `{"a"`, `{"a":}`, `{"a" 1}`, `[1,]`, `{"a":1,}`, `[,]`, `]`, `}`, `{1:2}`, `nul`, `1.`, `01`,
		`"`, "\"\n\"", `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `[1 2]`, `{} x`, `'a'`, `NaN`, deep,
	} {
		if have, err := CanonicalJSON([]byte(text)); err == nil {
			t.Errorf("%s: read as %s", text, have)
		}
	}
}

func TestAppendJSONString(t *testing.T) {
	r := random(t)
	for range 2000 {
		s := randomText(r, 20)
		b := AppendJSONString(nil, s)
		var back string
		if err := json.Unmarshal(b, &back); err != nil || back != s {
			t.Fatalf("%q: %s reads as %q (%v)", s, b, back, err)
		}
	}
	if have := string(AppendJSONString(nil, "a\xffb\xc3")); have != "\"a\uFFFDb\uFFFD\"" {
		t.Errorf("invalid UTF-8: %s", have)
	}
}
