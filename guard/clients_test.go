package guard_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	client "github.com/amikos-tech/chroma-go/pkg/api/v2"
	"github.com/amikos-tech/chroma-go/pkg/embeddings"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// TestClients lets the official JavaScript client and chroma-go go through all
// of their calls, with and without the proxy. What they send arrives as it was
// sent, what they get is what the server answered, to the last byte; and they
// send and get the same as without it.
func TestClients(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "flow.mjs")
	text, err := os.ReadFile("testdata/flow.mjs")
	if err == nil {
		err = os.WriteFile(script, text, 0o600)
	}
	if err == nil {
		err = os.Symlink(filepath.Join(chromatest.JavaScriptClient(t), "node_modules"), filepath.Join(folder, "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	flows := map[string]func(t *testing.T, address string, c *chromatest.Client){
		"JavaScript": func(t *testing.T, address string, c *chromatest.Client) {
			cmd := exec.Command("node", script, address, c.Tenant, c.Database)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		},
		"chroma-go": chromaGo,
	}
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for name, flow := range flows {
			t.Run(name, func(t *testing.T) {
				without := chromatest.NewClient(t, c.Server)
				direct := newTap(t, c.Server.URL())
				flow(t, direct.server.URL, without)

				with := chromatest.NewClient(t, c.Server)
				g := newGuarded(t, with)
				for _, name := range []string{"zebra", "aardvark", "docs"} {
					with.DeleteCollection(name)
				}
				behind := newTap(t, c.Server.URL())
				var before *tap
				rep := g.proxied(func(proxy string) {
					before = newTap(t, proxy)
					flow(t, before.server.URL, with)
				}, func(o *guard.Options) {
					o.Upstream, _ = url.Parse(behind.server.URL)
				})
				if rep.Outcome != guard.Succeeded || rep.Unrecorded || rep.Points == 0 {
					t.Errorf("%s %s: %d points, unrecorded %v", rep.Outcome, rep.Reason, rep.Points, rep.Unrecorded)
				}
				sent, arrived := before.exchanges(), behind.exchanges()
				same(t, "in front of the proxy", sent, "behind it", arrived)
				same(t, "with the proxy", comparable(sent, with.Database), "without", comparable(direct.exchanges(), without.Database))
				if len(sent) < 30 {
					t.Errorf("only %d calls", len(sent))
				}
				t.Logf("%d calls, %d points", len(sent), rep.Points)
			})
		}
	})
}

func same(t *testing.T, one string, a []exchange, other string, b []exchange) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%d calls %s, %d %s", len(a), one, len(b), other)
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("call %d:\n%s\n%.2000s\n%.2000s\n%s\n%.2000s\n%.2000s", i, one, a[i].request, a[i].answer, other, b[i].request, b[i].answer)
			return
		}
	}
}

// chromaGo makes the calls that chroma-go's integration tests make. What is
// refused is so with and without a proxy.
func chromaGo(t *testing.T, address string, c *chromatest.Client) {
	ctx := context.Background()
	tenant := client.NewTenant(c.Tenant)
	cl, err := client.NewHTTPClient(client.WithBaseURL(address), client.WithDatabaseAndTenant(c.Database, c.Tenant))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	refused := func(_ any, err error) {
		if err == nil {
			t.Error("not refused")
		}
	}
	ok := func(err error) {
		if err != nil {
			t.Helper()
			t.Error(err)
		}
	}
	_, err = cl.GetVersion(ctx)
	ok(err)
	ok(cl.Heartbeat(ctx))
	_, err = cl.GetIdentity(ctx)
	ok(err)
	_, err = cl.GetTenant(ctx, tenant)
	ok(err)
	refused(cl.GetTenant(ctx, client.NewTenant(c.Database+"-none")))
	other := client.NewTenant(c.Database + "-other")
	_, err = cl.CreateTenant(ctx, other)
	ok(err)
	refused(cl.CreateTenant(ctx, other))
	_, err = cl.CreateDatabase(ctx, other.Database("database"))
	ok(err)
	refused(cl.CreateDatabase(ctx, other.Database("database")))
	_, err = cl.GetDatabase(ctx, other.Database("database"))
	ok(err)
	_, err = cl.ListDatabases(ctx, other)
	ok(err)
	ok(cl.DeleteDatabase(ctx, other.Database("database")))
	refused(nil, cl.DeleteDatabase(ctx, other.Database("database")))

	hash := embeddings.NewConsistentHashEmbeddingFunction()
	docs, err := cl.CreateCollection(ctx, "flow", client.WithEmbeddingFunctionCreate(hash))
	if err != nil {
		t.Error(err)
		return
	}
	refused(cl.CreateCollection(ctx, "flow", client.WithEmbeddingFunctionCreate(hash)))
	_, err = cl.GetOrCreateCollection(ctx, "flow", client.WithEmbeddingFunctionCreate(hash))
	ok(err)
	_, err = cl.GetCollection(ctx, "flow", client.WithEmbeddingFunctionGet(hash))
	ok(err)
	refused(cl.GetCollection(ctx, "none"))
	_, err = cl.ListCollections(ctx, client.ListWithLimit(1), client.ListWithOffset(0))
	ok(err)
	_, err = cl.CountCollections(ctx)
	ok(err)

	tagged := func(values ...string) (out []client.DocumentMetadata) {
		for _, v := range values {
			out = append(out, client.NewDocumentMetadata(client.NewStringAttribute("key", v)))
		}
		return out
	}
	ok(docs.Add(ctx, client.WithIDs("1", "2", "3"), client.WithTexts("one", "two, 384km", "three"), client.WithMetadatas(tagged("a", "b", "c")...)))
	ok(docs.Add(ctx, client.WithIDGenerator(client.NewSHA256Generator()), client.WithTexts("four", "five", "six")))
	refused(nil, docs.Add(ctx, client.WithIDs("wrong"), client.WithTexts("x"), client.WithEmbeddings(embeddings.NewEmbeddingFromFloat32([]float32{1, 2}))))
	_, err = docs.Count(ctx)
	ok(err)
	_, err = docs.Get(ctx, client.WithIDs("1", "2", "none"))
	ok(err)
	_, err = docs.Get(ctx, client.WithInclude(client.IncludeEmbeddings, client.IncludeDocuments, client.IncludeMetadatas))
	ok(err)
	_, err = docs.Get(ctx, client.WithLimit(2), client.WithOffset(1))
	ok(err)
	_, err = docs.Get(ctx, client.WithWhere(client.EqString(client.K("key"), "a")))
	ok(err)
	_, err = docs.Get(ctx, client.WithWhereDocument(client.Contains("km")))
	ok(err)
	_, err = docs.Query(ctx, client.WithQueryTexts("one", "two"), client.WithNResults(2))
	ok(err)
	_, err = docs.Query(ctx, client.WithQueryTexts("one"), client.WithInclude(client.IncludeDistances, client.IncludeDocuments), client.WithWhere(client.EqString(client.K("key"), "b")))
	ok(err)
	ok(docs.Upsert(ctx, client.WithIDs("3", "7"), client.WithTexts("three, again", "seven"), client.WithMetadatas(tagged("d", "e")...)))
	ok(docs.Update(ctx, client.WithIDs("1"), client.WithTexts("one, again"), client.WithMetadatas(tagged("f")...)))
	ok(docs.Delete(ctx, client.WithIDs("2")))
	ok(docs.Delete(ctx, client.WithWhere(client.EqString(client.K("key"), "e"))))
	_, _ = docs.Fork(ctx, "forked") // servers of today answer 501
	_, _ = docs.IndexingStatus(ctx)
	ok(docs.ModifyMetadata(ctx, client.NewMetadata(client.NewStringAttribute("about", "flow"))))
	ok(docs.ModifyName(ctx, "flowed"))
	ok(cl.DeleteCollection(ctx, "flowed"))
	refused(nil, cl.DeleteCollection(ctx, "flowed"))
	refused(nil, cl.Reset(ctx))
}
