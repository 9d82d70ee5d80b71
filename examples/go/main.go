// Command go gives every record of a collection a metadata key, with chroma-go.
//
//	autochrome guard -- go run ./examples/go COLLECTION [--fail]
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"

	chroma "github.com/amikos-tech/chroma-go/pkg/api/v2"
)

const batch = 100

func main() {
	fail := slices.Contains(os.Args, "--fail")
	names := slices.DeleteFunc(os.Args[1:], func(a string) bool { return a == "--fail" })
	if len(names) != 1 {
		log.Fatal("usage: go COLLECTION [--fail]")
	}
	if err := migrate(context.Background(), names[0], fail); err != nil {
		log.Fatal(err)
	}
}

func migrate(ctx context.Context, name string, fail bool) error {
	client, err := chroma.NewHTTPClient(
		chroma.WithBaseURL(cmp.Or(os.Getenv("CHROMADB_URL"), "http://localhost:8000")),
		chroma.WithDatabaseAndTenant(cmp.Or(os.Getenv("CHROMA_DATABASE"), "default_database"), cmp.Or(os.Getenv("CHROMA_TENANT"), "default_tenant")),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	collection, err := client.GetCollection(ctx, name)
	if err != nil {
		return err
	}
	all, err := collection.Get(ctx, chroma.WithInclude(chroma.IncludeMetadatas))
	if err != nil {
		return err
	}
	ids := all.GetIDs()
	for some := range slices.Chunk(ids, batch) {
		if fail && slices.Index(ids, some[0]) >= len(ids)/2 {
			return errors.New("it fails half-way")
		}
		metadatas := make([]chroma.DocumentMetadata, len(some))
		for i := range metadatas {
			metadatas[i] = chroma.NewDocumentMetadata(chroma.NewStringAttribute("language", "en"))
		}
		// An update without vectors would say that there are none of them, which
		// Chroma refuses (chroma-go v0.4.0); so they go along as they are.
		now, err := collection.Get(ctx, chroma.WithIDs(some...), chroma.WithInclude(chroma.IncludeEmbeddings))
		if err != nil {
			return err
		}
		err = collection.Update(ctx, chroma.WithIDs(now.GetIDs()...), chroma.WithMetadatas(metadatas...), chroma.WithEmbeddings(now.GetEmbeddings()...))
		if err != nil {
			return err
		}
	}
	fmt.Printf("%d records of %s\n", len(ids), name)
	return nil
}
