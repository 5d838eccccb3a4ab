// Package identitytest is an OpenID provider for tests: it publishes its keys over TLS
// on loopback, and signs what it is told to.
package identitytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/require"
)

// Audience is whom tokens are for unless they say otherwise.
const Audience = "slipway"

// Provider is an OpenID provider.
type Provider struct {
	URL string // also the issuer
	CA  string // file with its certificate

	t testing.TB

	mu      sync.Mutex
	down    bool
	hangs   bool
	held    int    // requests that are not answered, as it hangs
	claimed string // the issuer that it says it is
	keys    []Key
	reads   int // of the keys
	made    int
}

// Key is one that the provider signs with.
type Key struct {
	ID      string
	Alg     jose.SignatureAlgorithm
	Private crypto.Signer
}

// New starts a provider with one RSA key, until the test ends.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{t: t}
	server := httptest.NewTLSServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.CA = filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(p.CA, certificate, 0o600))
	p.Rotate(jose.RS256)
	return p
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	if p.hold() {
		<-r.Context().Done() // until who asks gives up
		p.letGo()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		issuer := p.claimed
		if issuer == "" {
			issuer = p.URL
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": p.URL + "/keys"})
	case "/keys":
		p.reads++
		_ = json.NewEncoder(w).Encode(p.set())
	default:
		http.NotFound(w, r)
	}
}

// hold says whether a request is not to be answered.
func (p *Provider) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangs {
		p.held++
	}
	return p.hangs
}

func (p *Provider) letGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
}

// set is the keys as they are published, among some that are of no use.
func (p *Provider) set() jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, k := range p.keys {
		public := jose.JSONWebKey{Key: k.Private.Public(), KeyID: k.ID, Algorithm: string(k.Alg), Use: "sig"}
		encryption := public
		encryption.Use, encryption.KeyID = "enc", "enc-"+k.ID
		set.Keys = append(set.Keys, encryption, public)
	}
	return set
}

// Rotate has the provider sign with a new key of this algorithm, and publish no other.
func (p *Provider) Rotate(alg jose.SignatureAlgorithm) Key {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	k := Key{fmt.Sprint("key-", p.made), alg, NewKey(p.t, alg)}
	p.keys = []Key{k}
	return k
}

// NewKey makes a key for this algorithm.
func NewKey(t testing.TB, alg jose.SignatureAlgorithm) crypto.Signer {
	t.Helper()
	var (
		k   crypto.Signer
		err error
	)
	switch alg {
	case jose.RS256:
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, k, err = ed25519.GenerateKey(rand.Reader)
	}
	require.NoError(t, err)
	return k
}

// Break has the provider answer nothing but errors, or answer again.
func (p *Provider) Break(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Hang has the provider answer nothing at all to further requests, or answer again.
func (p *Provider) Hang(hangs bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = hangs
}

// Held is how many requests wait for an answer that does not come.
func (p *Provider) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

// Claim has the provider say that it is another issuer.
func (p *Provider) Claim(issuer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claimed = issuer
}

// Reads is how often its keys were read.
func (p *Provider) Reads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

// Claims are those of a good token, for an hour, with others in addition or in their
// place; nil leaves one out.
func (p *Provider) Claims(others map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{
		"iss": p.URL, "aud": Audience, "sub": "alice", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range others {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

// Sign returns a token with these claims, signed with the key of the moment.
func (p *Provider) Sign(others map[string]any) string {
	p.t.Helper()
	p.mu.Lock()
	k := p.keys[0]
	p.mu.Unlock()
	return Sign(p.t, k.Alg, jose.JSONWebKey{Key: k.Private, KeyID: k.ID}, p.Claims(others))
}

// Sign returns a token with these claims.
func Sign(t testing.TB, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	require.NoError(t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize() //nolint:misspell // as the library spells it
	require.NoError(t, err)
	return token
}
