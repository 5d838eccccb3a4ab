package seal

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/nacl/box"
)

const version = "v1"

// Sealed is a sealed secret in its printable form. It may be stored, sent and
// logged.
type Sealed string

// form is how a sealed secret is printed. It holds nothing that JSON escapes, and
// no shorter text can hold what a sealed box adds.
var form = regexp.MustCompile(`\b` + version + `\.[0-9a-f]{8}\.[A-Za-z0-9_-]{64,}`)

// KeyID is the id of the key that the secret was sealed to; "" where the text is no
// sealed secret.
func (s Sealed) KeyID() string {
	parts := strings.Split(string(s), ".")
	if len(parts) != 3 || parts[0] != version {
		return ""
	}
	return parts[1]
}

// Replace puts what fn makes of each sealed secret in a text, such as JSON, in its
// place. It returns the text itself where that changes nothing.
func Replace(text []byte, fn func(Sealed) Sealed) []byte {
	changed := false
	replaced := form.ReplaceAllFunc(text, func(found []byte) []byte {
		next := fn(Sealed(found))
		changed = changed || next != Sealed(found)
		return []byte(next)
	})
	if !changed {
		return text
	}
	return replaced
}

// Seal encrypts plaintext for the holder of the private key, to be opened for
// context alone. The error is an ErrKey for a zero key, or that of the system's
// random source.
func (k PublicKey) Seal(context string, plaintext []byte) (Sealed, error) {
	if k == (PublicKey{}) {
		return "", fmt.Errorf("seal for %q: %w: it is zero", context, ErrKey)
	}
	sealed, err := box.SealAnonymous(nil, frame(context, plaintext), &k.point, rand.Reader)
	if err != nil {
		return "", fmt.Errorf("seal for %q: %w", context, err)
	}
	return Sealed(version + "." + k.ID() + "." + encode(sealed)), nil
}

// Open decrypts what was sealed for context. The error is an ErrOtherKey,
// ErrContext, ErrDamaged or, for a zero key, ErrKey.
func (k PrivateKey) Open(context string, s Sealed) ([]byte, error) {
	plaintext, err := k.open(context, s)
	if err != nil {
		return nil, fmt.Errorf("open the secret of %q: %w", context, err)
	}
	return plaintext, nil
}

func (k PrivateKey) open(context string, s Sealed) ([]byte, error) {
	sealedFor, plaintext, err := k.unseal(s)
	if err != nil {
		return nil, err
	}
	if sealedFor != context {
		return nil, fmt.Errorf("%w: %q", ErrContext, sealedFor)
	}
	return plaintext, nil
}

// unseal decrypts a secret and says for which context it was sealed.
func (k PrivateKey) unseal(s Sealed) (context string, plaintext []byte, err error) {
	pair := k.pair()
	if pair == nil {
		return "", nil, fmt.Errorf("%w: it is zero", ErrKey)
	}
	parts := strings.Split(string(s), ".")
	if len(parts) != 3 || parts[0] != version {
		return "", nil, fmt.Errorf("%w: it is not of the form %s.<key id>.<base64url>", ErrDamaged, version)
	}
	if own := pair.public.ID(); parts[1] != own {
		return "", nil, fmt.Errorf("%w: to %q, and this is %q", ErrOtherKey, parts[1], own)
	}
	sealed, err := decode(parts[2])
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	framed, ok := box.OpenAnonymous(nil, sealed, &pair.public.point, &pair.scalar)
	if !ok {
		return "", nil, ErrDamaged
	}
	context, plaintext, ok = unframe(framed)
	if !ok {
		return "", nil, ErrDamaged
	}
	return context, plaintext, nil
}

// frame puts the context before the plaintext, and its length before that: no
// context can be mistaken for another one with some plaintext.
func frame(context string, plaintext []byte) []byte {
	framed := binary.AppendUvarint(nil, uint64(len(context)))
	framed = append(framed, context...)
	return append(framed, plaintext...)
}

func unframe(framed []byte) (context string, plaintext []byte, ok bool) {
	length, n := binary.Uvarint(framed)
	if n <= 0 || length > uint64(len(framed)-n) {
		return "", nil, false
	}
	rest := framed[n:]
	return string(rest[:length]), rest[length:], true
}
