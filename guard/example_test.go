package guard_test

import (
	"context"
	"fmt"
	"net/url"
	"os"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/repo"
	"autochrome/repo/backend"
)

// A migration that is another program, guarded by this one.
func ExampleRun() {
	ctx := context.Background()
	db, err := chroma.Open(ctx, chroma.Options{URL: "http://localhost:8000"})
	if err != nil {
		panic(err)
	}
	folder, err := backend.OpenLocal("chromadb_snapshots")
	if err != nil {
		panic(err)
	}
	r, err := repo.Open(ctx, folder)
	if err != nil {
		panic(err)
	}
	defer r.Close()
	upstream, err := url.Parse(db.URL())
	if err != nil {
		panic(err)
	}
	rep, err := guard.Run(ctx, guard.Options{
		Repository: r, Database: db, Upstream: upstream, Transport: db.Transport(),
		Command: []string{"python", "migrate.py"}, Env: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
		MaxLoss: 0.05, RollbackTo: guard.BackToBase,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(rep.Outcome, rep.Points, rep.RolledBack)
}
