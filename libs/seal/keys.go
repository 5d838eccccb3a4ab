package seal

import (
	"fmt"
	"slices"
	"strings"
)

// Keys are private keys of which the newest is sealed to and each opens: while
// one takes the place of another, what was sealed before still opens. The zero
// Keys open nothing. They print as their ids.
type Keys struct {
	all []PrivateKey // newest first
}

// KeysOf returns these keys, the newest first.
func KeysOf(keys ...PrivateKey) Keys { return Keys{slices.Clone(keys)} }

// ParseKeys reads what Reveal wrote: a private key in each line, the newest
// first. The error is an ErrKey, and never repeats the text.
func ParseKeys(text string) (Keys, error) {
	var k Keys
	for line := range strings.Lines(strings.TrimSpace(text)) {
		key, err := ParsePrivate(line)
		if err != nil {
			return Keys{}, err
		}
		k.all = append(k.all, key)
	}
	if len(k.all) == 0 {
		return Keys{}, fmt.Errorf("%w: it must begin with %s", ErrKey, privatePrefix)
	}
	return k, nil
}

// Reveal returns the printable private keys, a line each.
func (k Keys) Reveal() string {
	var lines []string
	for _, key := range k.all {
		lines = append(lines, key.Reveal())
	}
	return strings.Join(lines, "\n")
}

// Public returns the key to seal with: that of the newest.
func (k Keys) Public() PublicKey {
	if len(k.all) == 0 {
		return PublicKey{}
	}
	return k.all[0].Public()
}

// IDs are the ids of the keys, the newest first.
func (k Keys) IDs() []string {
	var ids []string
	for _, key := range k.all {
		ids = append(ids, key.Public().ID())
	}
	return ids
}

// With returns the keys and a newer one.
func (k Keys) With(newer PrivateKey) Keys { return Keys{slices.Concat([]PrivateKey{newer}, k.all)} }

// Without returns the keys less those of these ids. The newest stays.
func (k Keys) Without(ids ...string) Keys {
	var left Keys
	for i, key := range k.all {
		if i == 0 || !slices.Contains(ids, key.Public().ID()) {
			left.all = append(left.all, key)
		}
	}
	return left
}

// Open decrypts what was sealed for context to any of the keys. The errors are
// those of PrivateKey.Open.
func (k Keys) Open(context string, s Sealed) ([]byte, error) {
	return k.holder(s).Open(context, s)
}

// Reseal seals to the newest key what was sealed to an older one, for the same
// context. It returns false, and the text as it was, where nothing is to be done.
// The errors are those of PrivateKey.Open.
func (k Keys) Reseal(s Sealed) (Sealed, bool, error) {
	if len(k.all) > 0 && s.KeyID() == k.all[0].Public().ID() {
		return s, false, nil
	}
	context, plaintext, err := k.holder(s).unseal(s)
	if err != nil {
		return s, false, fmt.Errorf("seal to the newest key: %w", err)
	}
	next, err := k.Public().Seal(context, plaintext)
	return next, err == nil, err
}

// holder is the key that a secret was sealed to, or else the newest, which says
// what is wrong.
func (k Keys) holder(s Sealed) PrivateKey {
	if len(k.all) == 0 {
		return PrivateKey{}
	}
	for _, key := range k.all {
		if key.Public().ID() == s.KeyID() {
			return key
		}
	}
	return k.all[0]
}

// String names the keys by their ids.
func (k Keys) String() string { return fmt.Sprint(k.all) }

// GoString is String.
func (k Keys) GoString() string { return k.String() }
