package parquet

import (
	"fmt"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// role is what a column is of a record.
type role int

const (
	skipped role = iota
	isID
	isEmbedding
	isDocument
	isURI
	isRest
	inMetadata
)

// column is a column of a file that is read.
type column struct {
	name string
	role role
	leaf int  // its place among the file's leaves
	list bool // see level
	// level is the definition level from which on there is a value; with a list,
	// filled is that of a list that has elements, and present that of one.
	level, filled, present int
	value                  valueType
}

// valueType is the type of a column's values.
type valueType int

const (
	isNothing valueType = iota // the column has nulls only
	isText
	isBool
	isInt32
	isInt64
	isUint32
	isUint64
	isFloat32
	isFloat64
)

// columnOf says what a column of a file is of a record; leaf is its place.
func columnOf(field *pq.Column, leaf int, names Names) (c column, err error) {
	c = column{name: field.Name(), leaf: leaf, role: roleOf(field.Name(), names)}
	unfit := func(why string, args ...any) (column, error) { return c, &Unfit{c.name, fmt.Sprintf(why, args...)} }
	element := field
	if field.Repeated() {
		return unfit("it is repeated without being a LIST")
	}
	if field.Optional() {
		c.level++
	}
	if !field.Leaf() {
		if element = elementOf(field); element == nil {
			return unfit("it is a group of columns, and a record has no place for that")
		}
		c.list, c.present = true, c.level
		c.level++
		c.filled = c.level
		if element.Optional() {
			c.level++
		}
	}
	var ok bool
	if c.value, ok = valueOf(element.Type()); !ok {
		return unfit("it is of type %s, and Chroma has none such", element.Type())
	}
	switch {
	case c.role == skipped || c.value == isNothing && c.role != isID && c.role != isEmbedding:
		c.role = skipped
	case c.role == isEmbedding && !(c.list && (c.value == isFloat32 || c.value == isFloat64)):
		return unfit("it is no list of floats")
	case c.role == isID && (c.list || c.value != isText && c.value != isInt32 && c.value != isInt64):
		return unfit("an id is a text or an integer")
	case (c.role == isDocument || c.role == isURI || c.role == isRest) && (c.list || c.value != isText):
		return unfit("it is no text")
	}
	return c, nil
}

func roleOf(name string, names Names) role {
	switch {
	case name == names.ID:
		return isID
	case name == names.Embedding:
		return isEmbedding
	case name == documentColumn:
		return isDocument
	case name == uriColumn:
		return isURI
	case name == restColumn:
		return isRest
	case strings.HasPrefix(name, indexPrefix):
		return skipped
	}
	return inMetadata
}

// elementOf gives the element of a LIST of three levels, as all writers of today
// have it, or nil.
func elementOf(field *pq.Column) *pq.Column {
	logical := field.Type().LogicalType()
	if logical == nil {
		return nil
	}
	if _, ok := logical.Value.(*format.ListType); !ok {
		return nil
	}
	inner := field.Columns()
	if len(inner) != 1 || !inner[0].Repeated() || inner[0].Leaf() {
		return nil
	}
	element := inner[0].Columns()
	if len(element) != 1 || !element[0].Leaf() || element[0].Repeated() {
		return nil
	}
	return element[0]
}

// valueOf says how values of a type are read.
func valueOf(t pq.Type) (valueType, bool) {
	if l := t.LogicalType(); l != nil && l.Value != nil {
		switch l := l.Value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return isText, true
		case *format.NullType:
			return isNothing, true
		case *format.IntType:
			if l.IsSigned {
				break // as its physical type
			}
			if t.Kind() == pq.Int64 {
				return isUint64, true
			}
			return isUint32, true
		default:
			return 0, false
		}
	}
	switch t.Kind() {
	case pq.Boolean:
		return isBool, true
	case pq.Int32:
		return isInt32, true
	case pq.Int64:
		return isInt64, true
	case pq.Float:
		return isFloat32, true
	case pq.Double:
		return isFloat64, true
	}
	return 0, false
}
