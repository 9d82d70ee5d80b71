package restore_test

import (
	"fmt"
	"testing"

	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// withArrays are records of which every one has an array, where the server has
// arrays.
func withArrays(c *chromatest.Client, n int) map[string]any {
	body := numbered(0, n)
	if c.Server.Version == chromatest.Newest {
		for i, m := range body["metadatas"].([]any) {
			m.(map[string]any)["list"] = []string{fmt.Sprint(i), "x"}
		}
	}
	return body
}

// TestInheritedArrays: Chroma 1.4.4 keeps the metadata arrays of a collection
// that is dropped, and gives them to records that are added later.
func TestInheritedArrays(t *testing.T) {
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) { // the arrays of other tests would be inherited too
		c := chromatest.NewClient(t, s)
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("plain", nil)
		c.Add(id, numbered(0, 60))
		good := taken(t, r, db)

		// Dropped by us: nothing is left behind.
		c.DeleteCollection("plain")
		anew := c.CreateCollection("plain", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "ip"}}})
		c.Add(anew, withArrays(c, 1100))
		extra := c.CreateCollection("extra", nil)
		c.Add(extra, withArrays(c, 50))
		back := func(o restore.Options) restore.Report {
			t.Helper()
			rep, err := restore.Rollback(t.Context(), r, db, good, o)
			if err != nil || !rep.Verified() {
				t.Fatalf("%v %+v", err, rep.Compared)
			}
			for _, x := range c.Dump("plain") {
				if len(x.Metadata) != 1 {
					t.Errorf("%s has %v", x.ID, x.Metadata)
				}
			}
			return rep
		}
		if rep := back(restore.Options{DropExtra: true}); rep.Compared.Settled != 0 || rep.Applied.Deleted != 1100 {
			t.Errorf("%+v %+v", rep.Compared, rep.Applied)
		}
		c.Add(c.CreateCollection("later", nil), numbered(0, 1200))
		for _, x := range c.Dump("later") {
			if len(x.Metadata) != 1 {
				t.Fatalf("%s has %v", x.ID, x.Metadata)
			}
		}

		// Dropped by somebody else: what is inherited is taken away in the same run.
		c.DeleteCollection("later")
		other := c.CreateCollection("other", nil)
		c.Add(other, withArrays(c, 1500))
		c.DeleteCollection("other")
		live := c.Collection("plain")["id"].(string)
		c.Delete(live, map[string]any{"ids": idsOf(c.Dump("plain"), 2, 0)})
		rep := back(restore.Options{})
		want := 0
		if c.Server.Version == chromatest.Newest {
			want = 30
		}
		if rep.Compared.Settled != want || len(rep.Compared.NamedSettled) != want || rep.Compared.Records != 60 {
			t.Errorf("%+v", rep.Compared)
		}
		if again := back(restore.Options{}); !again.Plan.Empty() {
			t.Errorf("%+v", again.Plan)
		}
	})
}

// TestSettleLeavesOthers: a record that somebody else writes meanwhile is not
// put right.
func TestSettleLeavesOthers(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	db, r := opened(t, c, c.Server.URL())
	id := c.CreateCollection("docs", nil)
	c.Add(id, numbered(0, 10))
	good := taken(t, r, db)
	c.Delete(id, map[string]any{"ids": []string{"r0001"}})
	rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() {
		c.Update(id, map[string]any{"ids": []string{"r0002"}, "metadatas": each(1, map[string]any{"list": []int{1}})})
	}))
	if err != nil || rep.Compared.Differences != 1 || rep.Compared.Settled != 0 || rep.Compared.Named[0].ID != "r0002" {
		t.Errorf("%v %+v", err, rep.Compared)
	}
}
