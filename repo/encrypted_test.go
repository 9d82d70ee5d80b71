package repo

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// TestMain runs all tests twice: with plain repositories, and with encrypted
// ones wherever a test makes them with initialised, initStore and openStore.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && runsTests() {
		world = encryptedWorld()
		code = m.Run()
	}
	os.Exit(code)
}

// runsTests reports whether this process runs tests, not benchmarks or fuzzing.
func runsTests() bool {
	for _, name := range []string{"test.fuzz", "test.bench", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	f := flag.Lookup("test.fuzzworker")
	return f == nil || f.Value.String() != "true"
}

// world is what kind of repositories tests make. All of one world agree on ids.
var world testWorld

type testWorld struct {
	like     *Repository // nil: plain
	identity string
	key      NewKey
}

func encryptedWorld() testWorld {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		panic(err)
	}
	w := testWorld{identity: id.String(), key: NewKey{Recipient: id.Recipient().String()}}
	w.like, err = Init(context.Background(), new(backend.Memory), InitOptions{Keys: []NewKey{w.key}})
	if err != nil {
		panic(err)
	}
	return w
}

func (w testWorld) encrypted() bool { return w.like != nil }

// initStore is Init in this world.
func initStore(ctx context.Context, be backend.Backend) (*Repository, error) {
	if !world.encrypted() {
		return Init(ctx, be, InitOptions{})
	}
	return Init(ctx, be, InitOptions{Keys: []NewKey{world.key}, Like: world.like})
}

// openStore is Open in this world.
func openStore(ctx context.Context, be backend.Backend) (*Repository, error) {
	if !world.encrypted() {
		return Open(ctx, be)
	}
	return OpenWith(ctx, be, OpenOptions{Unlock: unlocking(world.identity)})
}

// unlocking gives a secret as a person would: an identity or a passphrase.
func unlocking(secret string) func(context.Context) (Credential, error) {
	return func(context.Context) (Credential, error) {
		if strings.HasPrefix(secret, "AGE-SECRET-KEY-") {
			return NewCredential("", strings.NewReader(secret))
		}
		return NewCredential(secret)
	}
}

// testHasher makes the ids of this world.
func testHasher() *chunk.Hasher {
	if !world.encrypted() {
		return chunk.Plain()
	}
	return world.like.Hasher()
}

// testEnvelope gives the envelope of a repository of this world.
func testEnvelope(t testing.TB, be backend.Backend) *envelope {
	t.Helper()
	if !world.encrypted() {
		return nil
	}
	return opened(t, be).envelope
}

// inside gives a store of this world as its repository sees it.
func inside(t testing.TB, be backend.Backend) backend.Backend {
	t.Helper()
	if !world.encrypted() {
		return be
	}
	return &sealedStore{be, testEnvelope(t, be)}
}

// withoutKeys lists the files that every repository has.
func withoutKeys(t testing.TB, be backend.Backend) []string {
	return slices.DeleteFunc(names(t, be, ""), func(name string) bool { return strings.HasPrefix(name, keysFolder) })
}
