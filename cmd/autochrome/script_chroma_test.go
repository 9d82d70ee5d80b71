package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"autochrome/internal/chromatest"
)

// chromaCommand talks to the script's database without any of our own code.
//
//	chroma create NAME [SPACE [N]]  a collection without records; its index is written to a
//	                                file every n records
//	chroma add NAME FROM TO [DIM]   records r<FROM>... up to, not including, TO
//	chroma update NAME FROM TO      gives them other metadata
//	chroma corrupt NAME FROM TO     gives them other embeddings
//	chroma undocument NAME FROM TO  replaces them by records without documents
//	chroma delete NAME FROM TO
//	chroma drop NAME
//	chroma rename NAME NEW
//	chroma modify NAME JSON         gives the collection itself other metadata
//	chroma raw NAME VERB JSON       sends a body to /add, /upsert, ...
//	chroma count NAME N             demands so many records
//	chroma save FILE                all of the database as text, to be compared
//	chroma database NAME            makes another database; later commands use it
//	chroma use NAME                 an existing one
func chromaCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: chroma WHAT ...; see chromaCommand")
	}
	c := clientOf(ts)
	id := func() string { return c.Collection(args[1])["id"].(string) }
	switch args[0] {
	case "create":
		body := map[string]any{"metadata": map[string]any{"made": "by a script"}}
		if len(args) > 2 {
			hnsw := map[string]any{"space": args[2]}
			if len(args) > 3 {
				hnsw["sync_threshold"], hnsw["batch_size"] = number(ts, args[3]), number(ts, args[3])
			}
			body["configuration"] = map[string]any{"hnsw": hnsw}
		}
		c.CreateCollection(args[1], body)
	case "add", "corrupt":
		dim := 8
		if len(args) > 4 {
			dim = number(ts, args[4])
		}
		body := records(number(ts, args[2]), number(ts, args[3]), dim)
		if args[0] == "corrupt" {
			for _, v := range body["embeddings"].([]any) {
				v.([]float32)[0]++
			}
			c.Update(id(), map[string]any{"ids": body["ids"], "embeddings": body["embeddings"]})
			return
		}
		c.Add(id(), body)
	case "update":
		body := records(number(ts, args[2]), number(ts, args[3]), 1)
		for _, m := range body["metadatas"].([]any) {
			m.(map[string]any)["migrated"] = true
			m.(map[string]any)["n"] = nil
		}
		c.Update(id(), map[string]any{"ids": body["ids"], "metadatas": body["metadatas"]})
	case "undocument":
		body := records(number(ts, args[2]), number(ts, args[3]), 8)
		c.Delete(id(), map[string]any{"ids": body["ids"]})
		delete(body, "documents")
		c.Add(id(), body)
	case "delete":
		c.Delete(id(), map[string]any{"ids": records(number(ts, args[2]), number(ts, args[3]), 1)["ids"]})
	case "drop":
		c.DeleteCollection(args[1])
	case "rename":
		ask(ts, c, "PUT", c.Path(id()), map[string]any{"new_name": args[2]})
	case "modify":
		ask(ts, c, "PUT", c.Path(id()), map[string]any{"new_metadata": json.RawMessage(args[2])})
	case "raw":
		ask(ts, c, "POST", c.Path(id(), args[2]), []byte(args[3]))
	case "count":
		if got := c.Count(id()); got != number(ts, args[2]) {
			ts.Fatalf("%s has %d records, want %s", args[1], got, args[2])
		}
	case "save":
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), dump(ts, c), 0o600))
	case "database", "use":
		if args[0] == "database" {
			ask(ts, c, "POST", "/api/v2/tenants/"+c.Tenant+"/databases", map[string]any{"name": args[1]})
		}
		c.Database = args[1]
		ts.Setenv("CHROMA_DATABASE", args[1])
	default:
		ts.Fatalf("chroma %s?", args[0])
	}
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// records gives those with numbers from from up to to, as Chroma's body.
func records(from, to, dim int) map[string]any {
	var ids []string
	var embeddings, documents, metadatas []any
	for i := from; i < to; i++ {
		v := make([]float32, dim)
		for k := range v {
			v[k] = float32(i%97) + float32(k)/3
		}
		ids = append(ids, fmt.Sprintf("r%04d", i))
		embeddings = append(embeddings, v)
		documents = append(documents, fmt.Sprintf("document %d", i))
		metadatas = append(metadatas, map[string]any{"n": i, "half": float64(i) + 0.5, "even": i%2 == 0})
	}
	return map[string]any{"ids": ids, "embeddings": embeddings, "documents": documents, "metadatas": metadatas}
}

// dump is the database as text: collections by name, records by id, since a
// record that was deleted and comes back stands elsewhere.
func dump(ts *testscript.TestScript, c *chromatest.Client) []byte {
	var all []map[string]any
	ts.Check(json.Unmarshal(ask(ts, c, "GET", c.Path(), nil), &all))
	var names []string
	for _, x := range all {
		names = append(names, x["name"].(string))
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		x := c.Collection(name)
		fmt.Fprintf(&b, "%s dimension %v metadata %v %v\n", name, x["dimension"], x["metadata"], x["configuration_json"])
		records := c.Dump(name)
		slices.SortFunc(records, func(a, b chromatest.RawRecord) int { return cmp.Compare(a.ID, b.ID) })
		for _, r := range records {
			text, err := json.Marshal(r)
			ts.Check(err)
			fmt.Fprintf(&b, "%s\n", text)
		}
	}
	return []byte(b.String())
}

func ask(ts *testscript.TestScript, c *chromatest.Client, method, path string, body any) []byte {
	status, answer, err := c.Server.Try(method, path, body)
	ts.Check(err)
	if status > 299 {
		ts.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}
