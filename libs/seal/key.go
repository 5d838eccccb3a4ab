package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/nacl/box"
)

const (
	privatePrefix = "slipway-seal-private-"
	publicPrefix  = "slipway-seal-public-"
)

// encode and decode are base64url, where one value has one text.
func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // Go's decoder skips them
		return nil, errNewline
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// PublicKey seals secrets. It is comparable; the zero PublicKey seals nothing.
type PublicKey struct {
	point [32]byte
}

// PrivateKey opens what was sealed to its public key. However it is printed or
// marshalled, only its id shows; Reveal alone gives the key away. The zero
// PrivateKey opens nothing.
type PrivateKey struct {
	// For a key in an unexported field of what it prints, fmt asks no method
	// and follows one pointer (%s does). It does not follow two.
	hidden **keyPair
}

type keyPair struct {
	public PublicKey
	scalar [32]byte
}

func newPrivateKey(pair *keyPair) PrivateKey { return PrivateKey{hidden: &pair} }

// pair is nil for the zero key.
func (k PrivateKey) pair() *keyPair {
	if k.hidden == nil {
		return nil
	}
	return *k.hidden
}

// GenerateKey makes a new private key. The error is that of the system's
// random source.
func GenerateKey() (PrivateKey, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("generate a sealing key: %w", err)
	}
	return newPrivateKey(&keyPair{public: PublicKey{*public}, scalar: *private}), nil
}

// ParsePrivate reads what Reveal wrote, with space around it or not. The error
// is an ErrKey, and never repeats the text.
func ParsePrivate(text string) (PrivateKey, error) {
	scalar, err := parse(text, privatePrefix)
	if err != nil {
		return PrivateKey{}, err
	}
	point, err := curve25519.X25519(scalar[:], curve25519.Basepoint)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return newPrivateKey(&keyPair{public: PublicKey{[32]byte(point)}, scalar: scalar}), nil
}

// ParsePublic reads what PublicKey.String wrote, with space around it or not.
// The error is an ErrKey, and never repeats the text.
func ParsePublic(text string) (PublicKey, error) {
	point, err := parse(text, publicPrefix)
	if err != nil {
		return PublicKey{}, err
	}
	// A point of low order (zero is one) would seal so that anybody can open,
	// and NaCl does not check for it; X25519 does, whatever the scalar.
	if _, err := curve25519.X25519(curve25519.Basepoint, point[:]); err != nil {
		return PublicKey{}, fmt.Errorf("%w: it is a point of low order", ErrKey)
	}
	return PublicKey{point}, nil
}

func parse(text, prefix string) (key [32]byte, err error) {
	text = strings.TrimSpace(text)
	encoded, ok := strings.CutPrefix(text, prefix)
	switch {
	case ok:
	case strings.HasPrefix(text, privatePrefix):
		return key, fmt.Errorf("%w: this is a private key, a public one belongs here", ErrKey)
	case strings.HasPrefix(text, publicPrefix):
		return key, fmt.Errorf("%w: this is a public key, a private one belongs here", ErrKey)
	default:
		return key, fmt.Errorf("%w: it must begin with %s", ErrKey, prefix)
	}
	raw, err := decode(encoded)
	if err != nil || len(raw) != len(key) {
		return key, fmt.Errorf("%w: %s must be followed by 32 bytes in base64url", ErrKey, prefix)
	}
	return [32]byte(raw), nil
}

// String is the printable key, for ParsePublic.
func (k PublicKey) String() string { return publicPrefix + encode(k.point[:]) }

// ID is the key's short name: 8 hexadecimal digits.
func (k PublicKey) ID() string {
	sum := sha256.Sum256(k.point[:])
	return hex.EncodeToString(sum[:4])
}

// Public returns the key to seal with: the zero PublicKey for a zero key.
func (k PrivateKey) Public() PublicKey {
	if k.pair() == nil {
		return PublicKey{}
	}
	return k.pair().public
}

// Reveal returns the printable private key, for ParsePrivate. Who has it opens
// every secret that was sealed to it.
func (k PrivateKey) Reveal() string {
	if k.pair() == nil {
		return ""
	}
	return privatePrefix + encode(k.pair().scalar[:])
}

// String names the key by its id.
func (k PrivateKey) String() string {
	if k.pair() == nil {
		return "[no private sealing key]"
	}
	return "[private sealing key " + k.pair().public.ID() + "]"
}

// GoString is String.
func (k PrivateKey) GoString() string { return k.String() }

// MarshalText is String: a private key is not written anywhere by accident.
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
