package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"autochrome/chunk"
)

// queryBatch is how many embeddings one request asks for: 1536 dimensions of
// them are 1 MB.
const queryBatch = 50

// Query gives, for each embedding, the ids of the k records that the server's
// index finds nearest, the nearest first. An index is approximate: it may miss
// some, and gives fewer than k where there are no more.
func (d *Database) Query(ctx context.Context, serverID string, embeddings [][]float32, k int) ([][]string, error) {
	const op = "query"
	var all [][]string
	for len(embeddings) > 0 {
		batch := embeddings[:min(queryBatch, len(embeddings))]
		embeddings = embeddings[len(batch):]
		var answer bytes.Buffer
		err := d.send(ctx, request{
			op: op, method: http.MethodPost, path: collectionPath(serverID, "query"),
			body: queryBody(batch, k), again: true, patience: d.options.Timeout,
		}, &answer)
		if err != nil {
			return nil, err
		}
		var said struct{ IDs [][]string }
		if err := json.Unmarshal(answer.Bytes(), &said); err != nil {
			return nil, d.badAnswer(op, "%v", err)
		}
		if len(said.IDs) != len(batch) {
			return nil, d.badAnswer(op, "%d answers to %d embeddings", len(said.IDs), len(batch))
		}
		all = append(all, said.IDs...)
	}
	return all, nil
}

func queryBody(embeddings [][]float32, k int) []byte {
	body := []byte(`{"include":[],"n_results":`)
	body = strconv.AppendInt(body, int64(k), 10)
	body = append(body, `,"query_embeddings":[`...)
	for i, v := range embeddings {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, '[')
		for j, x := range v {
			if j > 0 {
				body = append(body, ',')
			}
			body = strconv.AppendFloat(body, float64(x), 'e', -1, 32)
		}
		body = append(body, ']')
	}
	return append(body, "]}"...)
}

// Space is the function [Space].
func (d *Database) Space(c chunk.CollectionDescription) string { return Space(c) }
