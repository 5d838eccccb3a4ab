package hosttest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// KeyType is a kind of SSH key.
type KeyType string

// The types of keys that hosts and clients can have.
const (
	Ed25519 KeyType = "ed25519"
	ECDSA   KeyType = "ecdsa" // on the curve P-256
	RSA     KeyType = "rsa"   // 2048 bits
)

// newKey returns a private key as PEM and its public key as a line of authorized_keys.
func newKey(kind KeyType) (private []byte, public string, err error) {
	var key crypto.Signer
	switch kind {
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case ECDSA:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("no such type of key: %q", kind)
	}
	if err != nil {
		return nil, "", err
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		return nil, "", err
	}
	publicKey, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, "", err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(publicKey)))
	return pem.EncodeToMemory(block), line, nil
}
