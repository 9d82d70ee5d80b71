package filter

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"autochrome/chunk"
)

// metadata reads what is behind a key: a value, or an operator.
func metadata(key string, tree any) (match, error) {
	operator, isObject := tree.(map[string]any)
	if !isObject {
		v, err := scalar(tree)
		if err != nil {
			return nil, err
		}
		return having(key, func(have chunk.Value) bool { return equal(have, v) }), nil
	}
	if len(operator) != 1 {
		return nil, wrong("%q: %s has %d operators and must have one; join several with $and", key, show(tree), len(operator))
	}
	op, value, _ := only(tree)
	switch op {
	case "$eq", "$ne", "$contains", "$not_contains":
		v, err := scalar(value)
		if err != nil {
			return nil, err
		}
		m := having(key, func(have chunk.Value) bool { return equal(have, v) })
		if strings.HasSuffix(op, "contains") {
			m = having(key, func(have chunk.Value) bool { return contains(have, v) })
		}
		if strings.HasPrefix(op, "$n") {
			m = m.not()
		}
		return m, nil
	case "$in", "$nin":
		list, err := scalars(op, value)
		if err != nil {
			return nil, err
		}
		m := having(key, func(have chunk.Value) bool {
			for _, v := range list {
				if equal(have, v) {
					return true
				}
			}
			return false
		})
		if op == "$nin" {
			m = m.not()
		}
		return m, nil
	case "$gt", "$gte", "$lt", "$lte":
		v, err := scalar(value)
		if err != nil {
			return nil, err
		}
		if !number(v) {
			return nil, wrong("%s takes a number, not %s", op, show(value))
		}
		return having(key, func(have chunk.Value) bool { return number(have) && ordered(op, compare(have, v)) }), nil
	}
	return nil, wrong("%q is no operator; there are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $contains, $not_contains, $and, $or", op)
}

// having matches records that have the key with such a value.
func having(key string, such func(chunk.Value) bool) match {
	return func(r *chunk.Record) bool {
		v, ok := r.Metadata.Get(key)
		return ok && such(v)
	}
}

// scalar reads a value: a text, a number or a bool. A number is an int where it
// has neither point nor exponent and fits.
func scalar(tree any) (v chunk.Value, err error) {
	switch x := tree.(type) {
	case string:
		return chunk.Value{Type: chunk.String, Str: x}, nil
	case bool:
		return chunk.Value{Type: chunk.Bool, Bool: x}, nil
	case json.Number:
		if !strings.ContainsAny(x.String(), ".eE") {
			if i, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
				return chunk.Value{Type: chunk.Int, Int: i}, nil
			}
		}
		f, err := strconv.ParseFloat(x.String(), 64)
		if err != nil {
			return v, wrong("the number %s is out of range", x)
		}
		return chunk.Value{Type: chunk.Float, Float: f}, nil
	}
	return v, wrong("%s stands where a text, a number, true or false must be", show(tree))
}

func scalars(op string, tree any) ([]chunk.Value, error) {
	list, ok := tree.([]any)
	if !ok || len(list) == 0 {
		return nil, wrong("%s takes a list of values, not %s", op, show(tree))
	}
	values := make([]chunk.Value, len(list))
	for i, x := range list {
		v, err := scalar(x)
		if err != nil {
			return nil, err
		}
		if i > 0 && values[0].Type == chunk.Float && v.Type == chunk.Int {
			v = chunk.Value{Type: chunk.Float, Float: float64(v.Int)}
		}
		if values[i] = v; v.Type != values[0].Type {
			return nil, wrong("%s takes values of one type, not %s", op, show(tree))
		}
	}
	return values, nil
}

func number(v chunk.Value) bool { return v.Type == chunk.Int || v.Type == chunk.Float }

func equal(have, v chunk.Value) bool {
	if number(have) && number(v) {
		return compare(have, v) == 0
	}
	return have.Type == v.Type && have.Type != chunk.Array && have.Equal(v)
}

// contains reports whether v is an element of an array.
func contains(have, v chunk.Value) bool {
	if have.Type != chunk.Array {
		return false
	}
	for _, e := range have.Array {
		if e.Type == v.Type && equal(e, v) {
			return true
		}
	}
	return false
}

func ordered(op string, order int) bool {
	switch op {
	case "$gt":
		return order > 0
	case "$gte":
		return order >= 0
	case "$lt":
		return order < 0
	}
	return order <= 0
}

// compare compares a number with one of the filter, which becomes an int
// beside an int and a float beside a float, as servers do it.
func compare(have, v chunk.Value) int {
	if have.Type == chunk.Int {
		i := v.Int
		if v.Type == chunk.Float {
			i = truncated(v.Float)
		}
		return cmp.Compare(have.Int, i)
	}
	f := v.Float
	if v.Type == chunk.Int {
		f = float64(v.Int)
	}
	return cmp.Compare(have.Float, f)
}

// truncated is a float without what is behind the point, or the nearest int.
func truncated(f float64) int64 {
	switch {
	case f >= 1<<63:
		return math.MaxInt64
	case f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}
