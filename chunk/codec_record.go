package chunk

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// recordDictionary is what a snapshot's record looks like, for zstd to refer
// to: a record is some hundred bytes, of which most are the same in each. It is
// part of the format; the number is that of the codec.
const recordDictionary = `"damage":{"first":[{"collection":"","id":"","reason":"no embedding"}],"total":1},"name":"","suspect":"",` +
	`"copied_from":"","unreadable":["kind":"pre-rollback","tags":{"pre-rollback":"snapshot_2026","supplement-of":"unrecorded":"true"},` +
	`"capture":"moving"}],"capture":"ids-stable","capture":"ids-stable","name":"documents","records":1000,"server_id":"` +
	`"command":"autochrome snapshot create --name --tag","kind":"snapshot","tags":{"guard-base":"true"}` +
	`{"capture":"still","collections":[{"capture":"still","name":"docs","records":100,"server_id":"-4"},{"capture":"still","name":"` +
	`","records":,"server_id":"-4a"}],"command":"autochrome guard -- python migrate.py","format":0,"host":"localhost","kind":"point",` +
	`"nonce":"","parent":"","root":{"collections":4,"logical":"","records":9832,"runs":[{"chunk":"","count":4,"first":0},{"chunk":"` +
	`","count":1,"first":0}]},"run":"run_20261124_0","scope":{"collections":["database":"default_database","tenant":"default_tenant"},` +
	`"server":{"url":"http://localhost:8000"},"source":"default_tenant/default_database-","stats":{"bytes_read":,"bytes_stored":2834,` +
	`"chunks_stored":5,"millis":12},"tags":{"request":"delete upsert update "},"time":"2026-11-24T0","user":"root","version":"v1"}`

func encodeRecord(dst, canonical []byte) []byte {
	return recordEncoder().EncodeAll(canonical, appendHead(dst, codecRecord, len(canonical)))
}

// Better levels save a dozen bytes of a record, and have tables of megabytes. Most
// records are far smaller than the window, which is memory too.
var (
	recordEncoder = sync.OnceValue(func() *zstd.Encoder {
		return newZstd(zstd.SpeedFastest, 64<<10, zstd.WithEncoderDictRaw(codecRecord, []byte(recordDictionary)))
	})
	recordDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(MaxRow+MaxSize),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderDictRaw(codecRecord, []byte(recordDictionary)))
		if err != nil {
			panic(fmt.Sprintf("zstd: %v", err)) // only for bad options
		}
		return d
	})
)
