package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonCommand looks into the JSON object that the last program printed.
//
//	json [-last|-first] PATH WANT  of several lines, the last or first one
//	json [-stderr] PATH WANT     the value is WANT; PATH is like collections.0.name
//	json [-stderr] PATH len:N    it is a list of N
//	json [-stderr] -set VAR PATH puts it into the script's environment
//	! json PATH                  there is no such value, or it is null
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	from, last, first, set := "stdout", false, false, false
	for ; len(args) > 0 && strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch args[0] {
		case "-stderr":
			from, last = "stderr", true
		case "-last":
			last = true
		case "-first":
			first = true
		case "-set":
			set = true
		}
	}
	if want := 2; !neg && len(args) != want || neg && len(args) != 1 {
		ts.Fatalf("usage: json [-stderr] PATH WANT, json -set VAR PATH, ! json PATH")
	}
	text := strings.TrimSpace(ts.ReadFile(from))
	if strings.Contains(text, "\n") && !last && !first {
		ts.Fatalf("more than one line")
	}
	lines := strings.Split(text, "\n")
	if first {
		lines = lines[:1]
	}
	d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		ts.Fatalf("%s is not JSON: %v", from, err)
	}
	path := args[0]
	if set {
		path = args[1]
	}
	v, ok := at(v, path)
	switch {
	case neg && ok && v != nil:
		ts.Fatalf("%s is %v", path, v)
	case neg:
	case !ok:
		ts.Fatalf("there is no %s", path)
	case set:
		ts.Setenv(args[0], valueText(v))
	case strings.HasPrefix(args[1], "len:"):
		if list, isList := v.([]any); !isList || strconv.Itoa(len(list)) != args[1][4:] {
			ts.Fatalf("%s is %v, want a list of %s", path, v, args[1][4:])
		}
	case valueText(v) != args[1]:
		ts.Fatalf("%s is %s, want %s", path, valueText(v), args[1])
	}
}

func at(v any, path string) (any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[key]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "null"
	}
	b, _ := json.Marshal(v)
	return string(b)
}
