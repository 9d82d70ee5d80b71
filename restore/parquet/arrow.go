package parquet

import (
	"encoding/base64"
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"
)

// arrowKey is where programs that read Parquet by way of Arrow look for the types
// that Parquet has no word for: here, lists of one length.
const arrowKey = "ARROW:schema"

// Numbers and slots of Arrow's Schema.fbs and Message.fbs.
const (
	arrowV5           = 4
	arrowHeaderSchema = 1 // of the union MessageHeader

	arrowList      = 12 // of the union Type, like those of arrowType
	arrowFixedList = 16
)

// arrowType is a type of Arrow by its number in the union Type, times ten; the
// last digit is the precision of floats.
type arrowType int

const (
	arrowInt64   arrowType = 20
	arrowFloat32 arrowType = 31
	arrowFloat64 arrowType = 32
	arrowText    arrowType = 50
	arrowBool    arrowType = 60
)

// arrowSchemaOf is the value of arrowKey: a message of Arrow's IPC with the
// schema, in base64.
func arrowSchemaOf(fields []field) string {
	b := flatbuffers.NewBuilder(1024)
	all := make([]flatbuffers.UOffsetT, 0, len(fields))
	for _, f := range fields {
		all = append(all, f.arrow(b))
	}
	list := vectorOf(b, all)
	b.StartObject(4) // Schema: endianness (little is the default), fields
	b.PrependUOffsetTSlot(1, list, 0)
	schema := b.EndObject()
	b.StartObject(5) // Message: version, header
	b.PrependInt16Slot(0, arrowV5, 0)
	b.PrependByteSlot(1, arrowHeaderSchema, 0)
	b.PrependUOffsetTSlot(2, schema, 0)
	b.Finish(b.EndObject())

	body := b.FinishedBytes()
	padded := (len(body) + 7) &^ 7
	out := binary.LittleEndian.AppendUint32(nil, 0xFFFFFFFF)
	out = binary.LittleEndian.AppendUint32(out, uint32(padded))
	out = append(out, body...)
	out = append(out, make([]byte, padded-len(body))...)
	return base64.StdEncoding.EncodeToString(out)
}

func vectorOf(b *flatbuffers.Builder, of []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(flatbuffers.SizeUOffsetT, len(of), flatbuffers.SizeUOffsetT)
	for i := len(of) - 1; i >= 0; i-- {
		b.PrependUOffsetT(of[i])
	}
	return b.EndVector(len(of))
}

// arrow writes a table Field.
func (f field) arrow(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	if !f.list {
		return arrowField(b, f.name, f.name != idColumn, byte(f.kind/10), f.kind.write(b), nil)
	}
	element := arrowField(b, "element", true, byte(f.kind/10), f.kind.write(b), nil)
	b.StartObject(1) // FixedSizeList: listSize; List has nothing
	tag := byte(arrowList)
	if f.size > 0 {
		tag = arrowFixedList
		b.PrependInt32Slot(0, int32(f.size), 0)
	}
	return arrowField(b, f.name, true, tag, b.EndObject(), []flatbuffers.UOffsetT{element})
}

func arrowField(b *flatbuffers.Builder, name string, nullable bool, tag byte, kind flatbuffers.UOffsetT, children []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	text, list := b.CreateString(name), vectorOf(b, children)
	b.StartObject(7) // Field: name, nullable, type, dictionary, children
	b.PrependUOffsetTSlot(0, text, 0)
	b.PrependBoolSlot(1, nullable, false)
	b.PrependByteSlot(2, tag, 0)
	b.PrependUOffsetTSlot(3, kind, 0)
	b.PrependUOffsetTSlot(5, list, 0)
	return b.EndObject()
}

// write writes the table of a type.
func (t arrowType) write(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	b.StartObject(2)
	switch t {
	case arrowInt64: // Int: bitWidth, is_signed
		b.PrependInt32Slot(0, 64, 0)
		b.PrependBoolSlot(1, true, false)
	case arrowFloat32, arrowFloat64: // FloatingPoint: precision
		b.PrependInt16Slot(0, int16(t%10), 0)
	}
	return b.EndObject()
}
