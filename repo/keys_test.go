package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// quick makes keys of passphrases that take no time to try.
const quick = 2

func initWith(t testing.TB, be backend.Backend, keys ...NewKey) *Repository {
	t.Helper()
	r, err := Init(t.Context(), be, InitOptions{Keys: keys})
	must(t, err)
	return r
}

func openAs(t testing.TB, be backend.Backend, secret string) (*Repository, error) {
	t.Helper()
	return OpenWith(t.Context(), be, OpenOptions{Unlock: unlocking(secret)})
}

func newIdentity(t testing.TB) (secret, recipient string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return id.String(), id.Recipient().String()
}

func TestKeys(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	secret, recipient := newIdentity(t)
	stranger, _ := newIdentity(t)
	r := initWith(t, m, NewKey{Passphrase: "first", work: quick, Label: "mine"})
	s := take(t, r)
	k, err := r.AddKey(ctx, NewKey{Recipient: recipient})
	must(t, err)
	if k.Kind != KeyRecipient || k.Recipient != recipient || k.ID.IsZero() {
		t.Errorf("added %+v", k)
	}
	_, err = r.AddKey(ctx, NewKey{Recipient: recipient})
	wantErr(t, err, ErrInvalid)

	for _, word := range []string{"first", secret} {
		r, err := openAs(t, m, word)
		must(t, err)
		list, err := r.Snapshots(ctx)
		if err != nil || len(list) != 1 || list[0].ID != s.ID {
			t.Errorf("snapshots %v, %v", list, err)
		}
		loads(t, r, s)
	}
	for _, word := range []string{"second", stranger, "", "First", "first "} {
		_, err := openAs(t, m, word)
		wantErr(t, err, ErrWrongKey)
		if err == nil || err.Error() != "memory: wrong key" {
			t.Errorf("opened as another: %v", err)
		}
	}
	_, err = Open(ctx, m)
	wantErr(t, err, ErrWrongKey)

	// Who opened it is current, and cannot be removed.
	r, err = openAs(t, m, secret)
	must(t, err)
	keys, err := r.Keys(ctx)
	must(t, err)
	if len(keys) != 2 || keys[0].Current || !keys[1].Current || keys[0].Label != "mine" || keys[0].Kind != KeyPassphrase || keys[0].Host == "" {
		t.Fatalf("keys %+v", keys)
	}
	wantErr(t, r.RemoveKey(ctx, keys[1]), ErrInvalid)
	found, err := r.FindKey(ctx, keys[0].Short())
	must(t, err)
	must(t, r.RemoveKey(ctx, found))
	_, err = openAs(t, m, "first")
	wantErr(t, err, ErrWrongKey)
	_, err = r.FindKey(ctx, keys[0].Short())
	wantErr(t, err, ErrNoKey)
	_, err = r.FindKey(ctx, "")
	wantErr(t, err, ErrNoKey)

	// Replaced, what there was opens nothing.
	_, err = r.ReplaceKey(ctx, NewKey{Passphrase: "new", work: quick})
	must(t, err)
	_, err = openAs(t, m, secret)
	wantErr(t, err, ErrWrongKey)
	r, err = openAs(t, m, "new")
	must(t, err)
	loads(t, r, s)
	keys, err = r.Keys(ctx)
	if err != nil || len(keys) != 1 || !keys[0].Current {
		t.Errorf("keys %+v, %v", keys, err)
	}
}

func TestKeyRefused(t *testing.T) {
	ctx := t.Context()
	secret, recipient := newIdentity(t)
	for name, k := range map[string]NewKey{
		"nothing":  {},
		"both":     {Passphrase: "x", Recipient: recipient},
		"identity": {Recipient: secret},
		"junk":     {Recipient: "age1qqqq"},
		"label":    {Passphrase: "x", Label: "a\nb"},
	} {
		_, err := Init(ctx, new(backend.Memory), InitOptions{Keys: []NewKey{k}})
		wantErr(t, err, ErrInvalid)
		if err != nil && strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", NewKey{Passphrase: "hidden"}, NewKey{Passphrase: "hidden"}, NewKey{Passphrase: "hidden"}, NewKey{Passphrase: "hidden"}); strings.Contains(text, "hidden") {
		t.Errorf("a key prints as %s", text)
	}
	_, err := NewCredential("", strings.NewReader("# a comment\nAGE-SECRET-KEY-1hidden\n"))
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("a bad identity: %v", err)
	}
	plain, err := Init(ctx, new(backend.Memory), InitOptions{})
	must(t, err)
	_, err = plain.Keys(ctx)
	wantErr(t, err, ErrPlain)
	_, err = plain.AddKey(ctx, NewKey{Recipient: recipient})
	wantErr(t, err, ErrPlain)
	wantErr(t, plain.RemoveKey(ctx, KeyInfo{}), ErrPlain)
}

// far is a store on another machine.
type far struct{ backend.Backend }

func (far) Remote() bool { return true }

func TestRemote(t *testing.T) {
	ctx := t.Context()
	_, recipient := newIdentity(t)
	_, err := Init(ctx, far{new(backend.Memory)}, InitOptions{})
	wantErr(t, err, ErrEncryption)
	_, err = Init(ctx, far{new(backend.Memory)}, InitOptions{NoEncryption: true})
	must(t, err)
	r, err := Init(ctx, far{new(backend.Memory)}, InitOptions{Keys: []NewKey{{Recipient: recipient}}})
	must(t, err)
	if !r.Encrypted() {
		t.Error("not encrypted")
	}
	_, err = Init(ctx, far{new(backend.Memory)}, InitOptions{NoEncryption: true, Keys: []NewKey{{Recipient: recipient}}})
	wantErr(t, err, ErrInvalid)
}

// TestLike: who shares the id secret agrees on ids, and on nothing else.
func TestLike(t *testing.T) {
	ctx := t.Context()
	_, recipient := newIdentity(t)
	key := NewKey{Recipient: recipient}
	one := initWith(t, new(backend.Memory), key)
	other := initWith(t, new(backend.Memory), key)
	plain, err := Init(ctx, new(backend.Memory), InitOptions{})
	must(t, err)
	like, err := Init(ctx, new(backend.Memory), InitOptions{Keys: []NewKey{key}, Like: one})
	must(t, err)
	likePlain, err := Init(ctx, new(backend.Memory), InitOptions{Keys: []NewKey{key}, Like: plain})
	must(t, err)
	_, err = Init(ctx, new(backend.Memory), InitOptions{Like: one})
	wantErr(t, err, ErrInvalid)
	for _, test := range []struct {
		a, b *Repository
		want bool
	}{{one, like, true}, {one, other, false}, {one, plain, false}, {plain, likePlain, true}, {one, likePlain, false}} {
		same := test.a.Hasher().ID([]byte("x")) == test.b.Hasher().ID([]byte("x"))
		if same != test.want || test.a.SameIDs(test.b) != test.want {
			t.Errorf("same ids: %v, SameIDs says %v, want %v", same, test.a.SameIDs(test.b), test.want)
		}
	}
	if like.secrets.Data == one.secrets.Data || !likePlain.Encrypted() {
		t.Error("the key is shared, or there is none")
	}
}

// TestKeyDamage: a damaged key is named, does not keep another from opening,
// and one of another repository fits nowhere.
func TestKeyDamage(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	secret, recipient := newIdentity(t)
	two, recipientTwo := newIdentity(t)
	r := initWith(t, m, NewKey{Recipient: recipient})
	only := m.Clone()
	added, err := r.AddKey(ctx, NewKey{Recipient: recipientTwo})
	must(t, err)
	name := keyName(added.ID)
	b, err := backend.LoadAll(ctx, m, name)
	must(t, err)
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		c := m.Clone()
		must(t, c.Save(ctx, name, bad))
		_, err := openAs(t, c, two)
		wantErr(t, err, ErrDamaged)
		mustContain(t, err, name)
		r, err := openAs(t, c, secret)
		must(t, err)
		keys, err := r.Keys(ctx)
		if err != nil || len(keys) != 2 || keys[1].Damaged == nil || keys[1].ID != added.ID {
			t.Fatalf("byte %d: keys %+v, %v", i, keys, err)
		}
		must(t, r.RemoveKey(ctx, keys[1]))
	}
	elsewhere := new(backend.Memory)
	initWith(t, elsewhere, NewKey{Recipient: recipientTwo})
	for _, foreign := range names(t, elsewhere, keysFolder) {
		b, err := backend.LoadAll(ctx, elsewhere, foreign)
		must(t, err)
		must(t, only.Save(ctx, foreign, b))
	}
	_, err = openAs(t, only, two)
	wantErr(t, err, ErrWrongKey)
	r, err = openAs(t, only, secret)
	must(t, err)
	keys, err := r.Keys(ctx)
	if err != nil || len(keys) != 2 || keys[1].Damaged == nil {
		t.Errorf("keys %+v, %v", keys, err)
	}
}

// removal calls before when a file is to be removed.
type removal struct {
	backend.Backend
	before func()
}

func (r *removal) Remove(ctx context.Context, name string) error {
	if before := r.before; before != nil {
		r.before = nil
		before()
	}
	return r.Backend.Remove(ctx, name)
}

// TestKeysRemovedFromTwoSides: of two that remove each other's key at the same
// time one puts its own back, and neither locks everybody out.
func TestKeysRemovedFromTwoSides(t *testing.T) {
	m := new(backend.Memory)
	one, first := newIdentity(t)
	two, second := newIdentity(t)
	must(t, initWith(t, m, NewKey{Recipient: first}, NewKey{Recipient: second}).Close())
	b := &removal{Backend: m}
	mine, err := openAs(t, b, one)
	must(t, err)
	theirs, err := openAs(t, m, two)
	must(t, err)
	keys, err := mine.Keys(t.Context())
	must(t, err)
	other := func(r *Repository) KeyInfo {
		return keys[slices.IndexFunc(keys, func(k KeyInfo) bool { return k.ID != r.key })]
	}
	b.before = func() { must(t, theirs.RemoveKey(t.Context(), other(theirs))) }
	wantErr(t, mine.RemoveKey(t.Context(), other(mine)), ErrKeyConflict)
	if left := names(t, m, keysFolder); len(left) != 1 {
		t.Errorf("there is %v", left)
	}
	_, err = openAs(t, m, one)
	must(t, err)
}

// TestInitKeysCutShort: keys are durable first, and those that open nothing do
// not stand in the way of the next Init.
func TestInitKeysCutShort(t *testing.T) {
	m := new(backend.Memory)
	_, recipient := newIdentity(t)
	b := faulty.Wrap(m, faulty.Fail(func(op *faulty.Op) bool { return op.Name == configName && op.Kind == faulty.Create }, nil))
	_, err := Init(t.Context(), b, InitOptions{Keys: []NewKey{{Recipient: recipient}}})
	wantErr(t, err, faulty.ErrInjected)
	if n := names(t, m, ""); len(n) != 1 || !strings.HasPrefix(n[0], keysFolder) {
		t.Errorf("there is %v", n)
	}
	initWith(t, m, NewKey{Recipient: recipient})
	c := m.Clone()
	must(t, c.Remove(t.Context(), configName))
	must(t, c.Save(t.Context(), "keys/id_rsa", nil))
	_, err = Init(t.Context(), c, InitOptions{})
	wantErr(t, err, ErrNotEmpty)
}

// TestUnlockError: what asking for the key came to is the error, and nobody is
// asked for a plain repository.
func TestUnlockError(t *testing.T) {
	_, recipient := newIdentity(t)
	own := errors.New("nobody to ask")
	o := OpenOptions{Unlock: func(context.Context) (Credential, error) { return Credential{}, own }}
	m := new(backend.Memory)
	initWith(t, m, NewKey{Recipient: recipient})
	_, err := OpenWith(t.Context(), m, o)
	wantErr(t, err, own)
	m = new(backend.Memory)
	_, err = Init(t.Context(), m, InitOptions{})
	must(t, err)
	_, err = OpenWith(t.Context(), m, o)
	must(t, err)
}

func FuzzKey(f *testing.F) {
	e := newEnvelope([secretBytes]byte{1})
	f.Add(appendKey(e, []byte("age-encryption.org/v1\n"), []byte(`{"kind":"recipient"}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		wrapped, note, err := parseKey(b)
		if err != nil {
			return
		}
		if again := append(appendKey(nil, wrapped, nil), note...); !bytes.Equal(again, b) {
			t.Errorf("%x is written as %x", b, again)
		}
		_, _ = e.readNote(wrapped, note)
		_, _ = unwrap(wrapped, Credential{}, "")
	})
}

func TestHidden(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	_, recipient := newIdentity(t)
	r := initWith(t, m, NewKey{Recipient: recipient, Label: "quiet"})
	id := r.Hasher().ID([]byte("y"))
	var s Snapshot
	must(t, r.Write(ctx, func(w *Writer) (err error) {
		rows := chunk.NewRows(chunk.Documents, 0)
		rows.AppendString("hidden in a document")
		b := rows.AppendCanonical(nil)
		id = r.Hasher().ID(b)
		must(t, w.Save(ctx, id, b))
		s = snapshotOf(id)
		s.Name = "hidden-name"
		s, err = w.SavePoint(ctx, s)
		return err
	}))
	must(t, r.Annotate(ctx, Annotation{Snapshot: s.ID, Key: KeyHold, Value: "hidden reason"}))
	must(t, r.Audit(ctx, AuditEntry{Action: "hidden", Outcome: "ok"}))
	host, user := whoami()
	for _, name := range names(t, m, "") {
		b, err := backend.LoadAll(ctx, m, name)
		must(t, err)
		for _, word := range []string{"hidden", "quiet", "shop", recipient, string(r.secrets.Data), string(r.secrets.IDs), string(id[:])} {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s holds %q", name, word)
			}
		}
		if strings.Contains(name, AuditWriter(host, user)) {
			t.Errorf("%s tells who wrote it", name)
		}
	}
}
