package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	leastRSA = 2048 // bits
	mostKeys = 64   // of one issuer; further ones are not looked at
)

// asymmetric is what published keys may be used for.
var asymmetric = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

// key verifies signatures of one algorithm.
type key struct {
	id    string // "": it has none, and may be the one of any id
	alg   jose.SignatureAlgorithm
	value any
}

// algorithmOf returns what a public key may be used for, and false where that is
// nothing: it is of another kind, or too weak.
func algorithmOf(public any) (jose.SignatureAlgorithm, bool) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return jose.RS256, k.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return jose.ES256, k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return jose.EdDSA, true
	default:
		return "", false
	}
}

// fitting returns the keys that may have signed a token that says so.
func fitting(keys []key, id string, alg jose.SignatureAlgorithm) []key {
	var found []key
	for _, k := range keys {
		if k.alg == alg && (k.id == id || k.id == "" || id == "") {
			found = append(found, k)
		}
	}
	return found
}

// parseSet reads a JWK set. Keys that cannot be used here are left out: issuers
// publish keys for other ends, too.
func parseSet(document []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, fmt.Errorf("not a JWK set: %w", err)
	}
	var keys []key
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(raw, &k) != nil || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
			continue
		}
		alg, fit := algorithmOf(k.Key)
		if fit && (k.Algorithm == "" || k.Algorithm == string(alg)) && len(keys) < mostKeys {
			keys = append(keys, key{k.KeyID, alg, k.Key})
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key of the JWK set is a public one for %v", asymmetric)
	}
	return keys, nil
}

// parseFile reads public keys as PEM or as a JWK set. No error quotes the file: it may
// hold a private key.
func parseFile(document []byte) ([]key, error) {
	if strings.HasPrefix(strings.TrimSpace(string(document)), "{") {
		return parseSet(document)
	}
	var keys []key
	for len(document) > 0 {
		var block *pem.Block
		if block, document = pem.Decode(document); block == nil {
			break
		}
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a PEM block is no public key: its type is to be PUBLIC KEY, as openssl pkey -pubout writes it")
		}
		alg, fit := algorithmOf(public)
		if !fit {
			return nil, fmt.Errorf("a public key is of no use for %v, or an RSA key of fewer than %d bits", asymmetric, leastRSA)
		}
		keys = append(keys, key{"", alg, public})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("neither PEM with public keys nor a JWK set")
	}
	return keys, nil
}
