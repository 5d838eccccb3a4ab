package webhooks

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/slipway-deploy/slipway/libs/seal"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32 // of one that is made here
	leastSecret  = 24 // as Standard Webhooks says
	mostSecret   = 64
)

// NewSecret makes a secret, as it is shown this once.
func NewSecret() string {
	var secret [secretBytes]byte
	_, _ = rand.Read(secret[:]) // it does not fail: crypto/rand ends the process rather
	return secretPrefix + base64.StdEncoding.EncodeToString(secret[:])
}

// ParseSecret returns the bytes that the secret stands for. It fails with ErrSecret; the message does not repeat it.
func ParseSecret(text string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret {
		return nil, ErrSecret
	}
	return key, nil
}

// Seal makes a secret what can be stored of it. An empty one stays so.
func (w Webhook) Seal(key seal.PublicKey, secret string) (string, error) {
	if secret == "" {
		return "", nil
	}
	sealed, err := key.Seal(w.context(), []byte(secret))
	return string(sealed), err
}

// Open returns the bytes of a sealed secret of this webhook.
func (w Webhook) Open(keys seal.Keys, sealed string) ([]byte, error) {
	text, err := keys.Open(w.context(), seal.Sealed(sealed))
	if err != nil {
		return nil, err
	}
	return ParseSecret(string(text))
}

func (w Webhook) context() string { return "webhook/" + w.ID + "/secret" }
