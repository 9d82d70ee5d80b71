package repo

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// Credential is what opens an encrypted repository: a passphrase, age
// identities, or both. The zero value opens none.
type Credential struct {
	identities []age.Identity
}

// NewCredential makes a Credential of a passphrase, or "", and of files of age
// identities, or none. The errors name no secret.
func NewCredential(passphrase string, identities ...io.Reader) (Credential, error) {
	var c Credential
	for _, file := range identities { // before the passphrase, which takes time
		ids, err := age.ParseIdentities(file)
		if err != nil { // age's errors may quote the line
			return c, errors.New("it is not a file of age identities (AGE-SECRET-KEY-1…, as age-keygen makes them)")
		}
		c.identities = append(c.identities, ids...)
	}
	if passphrase != "" {
		id, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return c, err
		}
		id.SetMaxWorkFactor(maxWork)
		c.identities = append(c.identities, id)
	}
	return c, nil
}

const (
	// scryptWork is the work that a passphrase takes to try, as a power of two:
	// about 0.2 s and 64 MiB, since every command opens the repository, and that
	// is no more memory than a snapshot takes anyway.
	scryptWork = 16

	// maxWork bounds what a hostile repository may demand: 512 MiB.
	maxWork = 19
)

// NewKey says who shall be able to open a repository: who has a passphrase, or
// the identity of an age recipient. Exactly one is given.
type NewKey struct {
	Passphrase string
	Recipient  string // age1…
	Label      string // for people, "" or printable text

	work int // instead of scryptWork, in tests
}

func (k NewKey) recipient() (age.Recipient, error) {
	switch {
	case (k.Passphrase == "") == (k.Recipient == ""):
		return nil, invalid("key: a passphrase or a recipient is needed, and not both")
	case k.Passphrase != "":
		r, err := age.NewScryptRecipient(k.Passphrase)
		if err != nil {
			return nil, invalid("key: %v", err)
		}
		if k.work == 0 {
			k.work = scryptWork
		}
		r.SetWorkFactor(k.work)
		return r, nil
	case strings.HasPrefix(strings.ToUpper(k.Recipient), "AGE-SECRET-KEY-"):
		return nil, invalid("key: that is a secret identity; the recipient is its public part, age1…")
	}
	r, err := age.ParseX25519Recipient(k.Recipient)
	if err != nil {
		return nil, invalid("key: %q is not an age recipient (age1…)", k.Recipient)
	}
	return r, nil
}

// Validate says why no key can be made so.
func (k NewKey) Validate() error {
	if k.Label != "" {
		if err := validText("label", k.Label, maxName); err != nil {
			return err
		}
	}
	if k.Passphrase != "" && k.Recipient == "" {
		return nil // without the work
	}
	_, err := k.recipient()
	return err
}

func (k NewKey) kind() string {
	if k.Recipient != "" {
		return KeyRecipient
	}
	return KeyPassphrase
}

// String tells no secret, so that none is printed by mistake.
func (k NewKey) String() string { return fmt.Sprintf("key of a %s", k.kind()) }

// GoString is String.
func (k NewKey) GoString() string { return k.String() }
