package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// standIn answers like a Chroma with one collection of any size whose records
// it makes up as they are asked for, so that it needs no memory for them: real
// servers take hours to load five million.
type standIn struct {
	records int
	dim     int
}

const (
	standInID = "11111111-2222-3333-4444-555555555555"
	standInDB = "22222222-2222-3333-4444-555555555555"
)

// serve runs it until the test ends, and gives its URL.
func (s standIn) serve(b *testing.B) string {
	server := httptest.NewServer(s.handler())
	b.Cleanup(server.Close)
	return server.URL
}

func (s standIn) handler() http.Handler {
	const database = "/api/v2/tenants/{tenant}/databases/{database}"
	mux := http.NewServeMux()
	say := func(pattern, answer string) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(answer))
		})
	}
	say("/api/v2/heartbeat", `{"nanosecond heartbeat":1}`)
	say("/api/v2/version", `"1.0.0"`)
	say("/api/v2/pre-flight-checks", `{"max_batch_size":5461,"supports_base64_encoding":true}`)
	say("/api/v2/tenants/{tenant}", `{"name":"default_tenant"}`)
	say(database, fmt.Sprintf(`{"id":%q,"name":"default_database","tenant":"default_tenant"}`, standInDB))
	say(database+"/collections_count", "1")
	say(database+"/collections", fmt.Sprintf(
		`[{"id":%q,"name":"made-up","tenant":"default_tenant","database":"default_database","dimension":%d,"metadata":null,`+
			`"configuration_json":{"hnsw":{"space":"l2"}},"log_position":0,"version":0}]`, standInID, s.dim))
	mux.HandleFunc("POST "+database+"/collections/{id}/get", s.get)
	return mux
}

// get lists all ids, or gives records by theirs.
func (s standIn) get(w http.ResponseWriter, r *http.Request) {
	var asked struct{ IDs []string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if asked.IDs == nil {
		out := bufio.NewWriterSize(w, 64<<10)
		defer out.Flush()
		s.column(out, `{"ids":`, s.records, func(dst []byte, i int) []byte { return appendID(dst, uint64(i)) })
		_, _ = out.WriteString(`,"include":[]}`)
		return
	}
	var answer bytes.Buffer // whole, so that its length is told as Chroma does
	out := bufio.NewWriterSize(&answer, 64<<10)
	numbers := make([]uint64, len(asked.IDs))
	for i, id := range asked.IDs {
		numbers[i], _ = strconv.ParseUint(strings.TrimPrefix(id, "record-"), 10, 64)
	}
	of := func(f func([]byte, uint64) []byte) func([]byte, int) []byte {
		return func(dst []byte, i int) []byte { return f(dst, numbers[i]) }
	}
	s.column(out, `{"ids":`, len(numbers), of(appendID))
	s.column(out, `,"embeddings":`, len(numbers), of(s.appendEmbedding))
	s.column(out, `,"documents":`, len(numbers), of(appendDocument))
	s.column(out, `,"metadatas":`, len(numbers), of(appendMetadata))
	s.column(out, `,"uris":`, len(numbers), func(dst []byte, _ int) []byte { return append(dst, "null"...) })
	_, _ = out.WriteString(`,"include":["embeddings","documents","metadatas","uris"]}`)
	_ = out.Flush()
	w.Header().Set("Content-Length", strconv.Itoa(answer.Len()))
	_, _ = answer.WriteTo(w)
}

func (s standIn) column(out *bufio.Writer, name string, n int, value func(dst []byte, i int) []byte) {
	_, _ = out.WriteString(name)
	buf := []byte("[")
	for i := range n {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = value(buf, i)
		_, _ = out.Write(buf)
		buf = buf[:0]
	}
	_, _ = out.WriteString("]")
}

func appendID(dst []byte, n uint64) []byte {
	dst = append(dst, `"record-`...)
	return append(strconv.AppendUint(dst, n, 10), '"')
}

func (s standIn) appendEmbedding(dst []byte, n uint64) []byte {
	dst = append(dst, '[')
	for i := range s.dim {
		if i > 0 {
			dst = append(dst, ',')
		}
		x := mix(n<<16 | uint64(i))
		dst = strconv.AppendFloat(dst, float64(float32(int32(x))/(1<<31)), 'g', -1, 32)
	}
	return append(dst, ']')
}

// words make documents that compress about as text does.
var words = strings.Fields(`the of and to in that he shall his for unto is lord not be with him they was as it all
	have them thou which from but on will by her when this upon king man day son their are were people come against
	house land before out said saying israel god children went also after hand great over let`)

func appendDocument(dst []byte, n uint64) []byte {
	dst = append(dst, '"')
	for i := range 8 + n%16 {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, words[mix(n<<8|i)%uint64(len(words))]...)
	}
	return append(dst, '"')
}

func appendMetadata(dst []byte, n uint64) []byte {
	dst = append(dst, `{"chunk":`...)
	dst = strconv.AppendUint(dst, n%97, 10)
	dst = append(dst, `,"score":0.`...)
	dst = strconv.AppendUint(dst, 1+mix(n)%997, 10)
	return append(dst, `,"source":"made-up","seen":true}`...)
}

// mix is splitmix64: numbers that look drawn, without a state.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
