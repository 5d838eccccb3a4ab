package identity

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity/identitytest"
)

const sharedSecret = "0123456789abcdef0123456789abcdef"

// by returns a verifier of the provider's tokens.
func by(t *testing.T, p *identitytest.Provider, change ...func(*Settings)) *Verifier {
	t.Helper()
	set := Settings{
		Issuer: p.URL, Audience: []string{"other", identitytest.Audience}, Discovery: true, CA: p.CA,
		Refresh: time.Hour, Pause: time.Hour, Leeway: 30 * time.Second, Claim: "slipway", NameClaim: "email",
	}
	for _, c := range change {
		c(&set)
	}
	v, err := New(set, zerolog.Nop())
	require.NoError(t, err)
	return v
}

func (v *Verifier) refuses(t *testing.T, token string, want error, why string) {
	t.Helper()
	_, err := v.Identify(t.Context(), token, time.Now())
	require.ErrorIs(t, err, want, why)
}

// pemOf is public keys as openssl writes them.
func pemOf(t *testing.T, keys ...crypto.Signer) []byte {
	t.Helper()
	var all []byte
	for _, k := range keys {
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		require.NoError(t, err)
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return all
}

func written(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func withKeys(path string) func(*Settings) {
	return func(s *Settings) { s.Discovery, s.Keys = false, path }
}

func withSecret(s *Settings) { s.Discovery, s.Secret = false, sharedSecret }

func TestACallerIsWhoTheIssuerSays(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p)
	for _, alg := range asymmetric {
		p.Rotate(alg)
		v = by(t, p)
		who, err := v.Identify(t.Context(), p.Sign(map[string]any{"email": "alice@example.com", "slipway": []string{"viewer", "deployer:shop", "staff"}}), time.Now())
		require.NoError(t, err, alg)
		require.Equal(t, access.User, who.Kind)
		require.Equal(t, "alice@example.com", who.Name)
		require.Equal(t, access.Grants{{Role: access.Viewer}, {Role: access.Deployer, Project: "shop"}}, who.Grants)
		require.NotNil(t, who.Expires)
	}
	one, err := v.Identify(t.Context(), p.Sign(map[string]any{"aud": []string{"x", identitytest.Audience}}), time.Now())
	require.NoError(t, err)
	require.Equal(t, "alice", one.Name, "without the claim, the subject is the name")
	require.Empty(t, one.Grants)
	other, err := v.Identify(t.Context(), p.Sign(map[string]any{"sub": "bob"}), time.Now())
	require.NoError(t, err)
	require.NotEqual(t, one.ID, other.ID)
}

func TestASharedSecretSignsToo(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p, withSecret)
	_, err := v.Identify(t.Context(), identitytest.Sign(t, jose.HS256, []byte(sharedSecret), p.Claims(nil)), time.Now())
	require.NoError(t, err)
	v.refuses(t, identitytest.Sign(t, jose.HS256, []byte("x"+sharedSecret), p.Claims(nil)), access.ErrUnknown, "another secret")
	v.refuses(t, identitytest.Sign(t, jose.HS512, []byte(sharedSecret+sharedSecret), p.Claims(nil)), access.ErrUnknown, "another algorithm")
	v.refuses(t, p.Sign(nil), access.ErrUnknown, "no secret at all")
	require.Zero(t, p.Reads())
}

// unsigned is a token with this header and any signature.
func unsigned(t *testing.T, header, claims map[string]any, signature string) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		text, err := json.Marshal(part)
		require.NoError(t, err)
		parts = append(parts, base64.RawURLEncoding.EncodeToString(text))
	}
	return strings.Join(append(parts, signature), ".")
}

func TestAnAlgorithmIsNotTheTokensToChoose(t *testing.T) {
	p := identitytest.New(t)
	rsaKey, ecKey := identitytest.NewKey(t, jose.RS256), identitytest.NewKey(t, jose.ES256)
	public := pemOf(t, rsaKey, ecKey)
	v := by(t, p, withKeys(written(t, public)))
	_, err := v.Identify(t.Context(), identitytest.Sign(t, jose.RS256, rsaKey, p.Claims(nil)), time.Now())
	require.NoError(t, err)

	block, _ := pem.Decode(public)
	for _, secret := range [][]byte{public, block.Bytes, pemOf(t, rsaKey)} {
		for _, alg := range []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512} {
			v.refuses(t, identitytest.Sign(t, alg, secret, p.Claims(nil)), access.ErrUnknown, "a public key is no secret")
		}
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", ""} {
		header := map[string]any{"alg": none, "typ": "JWT"}
		for _, signature := range []string{"", "AAAA"} {
			v.refuses(t, unsigned(t, header, p.Claims(nil), signature), access.ErrUnknown, "not signed")
			by(t, p, withSecret).refuses(t, unsigned(t, header, p.Claims(nil), signature), access.ErrUnknown, "not signed")
		}
	}
	for _, alg := range []jose.SignatureAlgorithm{jose.RS384, jose.RS512, jose.PS256} {
		v.refuses(t, identitytest.Sign(t, alg, rsaKey, p.Claims(nil)), access.ErrUnknown, "a key is for one algorithm")
	}
	stranger := identitytest.NewKey(t, jose.ES256)
	v.refuses(t, identitytest.Sign(t, jose.ES256, stranger, p.Claims(nil)), access.ErrUnknown, "a stranger")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: stranger}, &jose.SignerOptions{EmbedJWK: true})
	require.NoError(t, err)
	claims, err := json.Marshal(p.Claims(nil))
	require.NoError(t, err)
	signed, err := signer.Sign(claims)
	require.NoError(t, err)
	own, err := signed.CompactSerialize()
	require.NoError(t, err)
	v.refuses(t, own, access.ErrUnknown, "a token does not bring its own key")

	good := identitytest.Sign(t, jose.RS256, rsaKey, p.Claims(nil))
	for name, bad := range map[string]string{
		"changed claims": strings.Split(good, ".")[0] + "." + strings.Split(unsigned(t, nil, p.Claims(map[string]any{"sub": "root"}), ""), ".")[1] + "." + strings.Split(good, ".")[2],
		"cut off":        good[:len(good)-2],
		"no signature":   good[:strings.LastIndex(good, ".")+1],
		"too long":       good + strings.Repeat("A", maxToken),
		"nothing":        "", "dots": "..", "five parts": "a.b.c.d.e",
		"JSON": `{"payload":"e30","signatures":[]}`,
	} {
		v.refuses(t, bad, access.ErrUnknown, name)
	}
}

func TestWhatATokenSaysIsChecked(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p)
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, bad := range map[string]struct {
		claims map[string]any
		want   error
	}{
		"another issuer":             {map[string]any{"iss": "https://example.com"}, access.ErrUnknown},
		"the issuer with a slash":    {map[string]any{"iss": p.URL + "/"}, access.ErrUnknown},
		"no issuer":                  {map[string]any{"iss": nil}, access.ErrUnknown},
		"another audience":           {map[string]any{"aud": "payroll"}, access.ErrUnknown},
		"no audience":                {map[string]any{"aud": nil}, access.ErrUnknown},
		"an empty audience":          {map[string]any{"aud": []string{}}, access.ErrUnknown},
		"no subject":                 {map[string]any{"sub": nil}, access.ErrUnknown},
		"no end":                     {map[string]any{"exp": nil}, access.ErrUnknown},
		"an end that is no time":     {map[string]any{"exp": "tomorrow"}, access.ErrUnknown},
		"an end in milliseconds":     {map[string]any{"exp": 1900000000000}, ErrEnd},
		"a beginning in them":        {map[string]any{"nbf": 1900000000000}, access.ErrExpired},
		"expired, beyond the leeway": {map[string]any{"exp": at(-33 * time.Second)}, access.ErrExpired},
		"not yet, beyond the leeway": {map[string]any{"nbf": at(33 * time.Second)}, access.ErrExpired},
		"issued in the future":       {map[string]any{"iat": at(33 * time.Second)}, access.ErrExpired},
		"a name of two lines":        {map[string]any{"email": "a\nb"}, access.ErrUnknown},
	} {
		_, err := v.Identify(t.Context(), p.Sign(bad.claims), now)
		require.ErrorIs(t, err, bad.want, name)
	}
	for name, fine := range map[string]map[string]any{
		"expired, within the leeway": {"exp": at(-27 * time.Second)},
		"not yet, within the leeway": {"nbf": at(27 * time.Second)},
		"no beginning":               {"nbf": nil, "iat": nil},
	} {
		_, err := v.Identify(t.Context(), p.Sign(fine), now)
		require.NoError(t, err, name)
	}
}

func TestClaimsAreMappedToGrants(t *testing.T) {
	p := identitytest.New(t)
	mapped := func(claim string, value any, pairs ...string) access.Grants {
		v := by(t, p, func(s *Settings) { s.Claim, s.Grants = claim, pairs })
		who, err := v.Identify(t.Context(), p.Sign(map[string]any{"groups": value, "realm_access": map[string]any{"roles": value}}), time.Now())
		require.NoError(t, err)
		return who.Grants
	}
	admin, shop := access.Grant{Role: access.Administrator}, access.Grant{Role: access.Deployer, Project: "shop"}
	require.Equal(t, access.Grants{admin, shop}, mapped("groups", []string{"ops", "other", "cn=a,b"}, "ops=administrator", "ops=deployer:shop"))
	require.Equal(t, access.Grants{shop}, mapped("groups", "deployer:shop openid"))
	require.Equal(t, access.Grants{shop}, mapped("realm_access.roles", []string{"deployer:shop", "deployer:Sh op", "admin"}))
	require.Empty(t, mapped("groups", []string{"administrator"}, "ops=viewer"), "where there is a mapping, values are no grants")
	require.Empty(t, mapped("groups", map[string]any{"administrator": true}))
	require.Empty(t, mapped("nothing", "administrator"))
}

func TestANewKeyIsFoundWhenATokenNamesIt(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p, func(s *Settings) { s.Pause = time.Nanosecond })
	before := p.Sign(nil)
	_, err := v.Identify(t.Context(), before, time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, p.Reads())
	for range 10 {
		_, err = v.Identify(t.Context(), before, time.Now())
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.Reads(), "keys are kept")
	p.Rotate(jose.ES256)
	_, err = v.Identify(t.Context(), p.Sign(nil), time.Now())
	require.NoError(t, err)
	require.Equal(t, 2, p.Reads())
	v.refuses(t, before, access.ErrUnknown, "its key was withdrawn")
}

func TestANewKeyIsFoundForATokenThatNamesNone(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p, func(s *Settings) { s.Pause = time.Nanosecond })
	first := identitytest.Sign(t, jose.ES256, p.Rotate(jose.ES256).Private, p.Claims(nil))
	_, err := v.Identify(t.Context(), first, time.Now())
	require.NoError(t, err)
	second := identitytest.Sign(t, jose.ES256, p.Rotate(jose.ES256).Private, p.Claims(nil))
	_, err = v.Identify(t.Context(), second, time.Now())
	require.NoError(t, err, "the key from before is of the same kind, and has not signed it")
	require.Equal(t, 2, p.Reads())
	v.refuses(t, first, access.ErrUnknown, "its key was withdrawn")
}

func TestUntilTheIssuerCanBeAskedAgainNobodyIsToBlame(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p)
	known := p.Sign(nil)
	_, err := v.Identify(t.Context(), known, time.Now())
	require.NoError(t, err)
	forged := known[:strings.LastIndex(known, ".")+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	_, err = v.Identify(t.Context(), forged, time.Now())
	require.NotErrorIs(t, err, ErrUndecided, "the key that it names is known")
	require.ErrorIs(t, err, access.ErrUnknown)
	next := p.Rotate(jose.ES256)
	v.refuses(t, p.Sign(nil), ErrUndecided, "it names a key that may be a new one")
	v.refuses(t, identitytest.Sign(t, jose.ES256, next.Private, p.Claims(nil)), ErrUndecided, "it may be signed with a new one")
	require.Equal(t, 1, p.Reads())
}

func TestManyUnknownKeysAreOneQuestion(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p)
	stranger := identitytest.NewKey(t, jose.ES256)
	var all sync.WaitGroup
	for i := range 200 {
		token := identitytest.Sign(t, jose.ES256, jose.JSONWebKey{Key: stranger, KeyID: fmt.Sprint("made-up-", i)}, p.Claims(nil))
		all.Go(func() {
			if _, err := v.Identify(t.Context(), token, time.Now()); err == nil {
				t.Error("a stranger is let in")
			}
		})
	}
	all.Wait()
	for i := range 5 { // and one after the other
		token := identitytest.Sign(t, jose.ES256, jose.JSONWebKey{Key: stranger, KeyID: fmt.Sprint("later-", i)}, p.Claims(nil))
		v.refuses(t, token, access.ErrUnknown, "a stranger")
	}
	require.Equal(t, 1, p.Reads())
	_, err := v.Identify(t.Context(), p.Sign(nil), time.Now())
	require.NoError(t, err, "and the others go on")
}

func TestAnIssuerThatIsDownKeepsNobodyOutWhoseKeyIsKnown(t *testing.T) {
	p := identitytest.New(t)
	p.Break(true)
	v := by(t, p, func(s *Settings) { s.Pause = time.Nanosecond })
	v.refuses(t, p.Sign(nil), ErrNoKeys, "its keys were never read")
	p.Break(false)
	_, err := v.Identify(t.Context(), p.Sign(nil), time.Now())
	require.NoError(t, err)
	p.Break(true)
	_, err = v.Identify(t.Context(), p.Sign(nil), time.Now())
	require.NoError(t, err)
	p.Rotate(jose.RS256)
	v.refuses(t, p.Sign(nil), access.ErrUnknown, "not known, and nobody can be asked")

	v.keys.(*published).at = time.Now().Add(-longestStale - time.Second)
	v.refuses(t, p.Sign(nil), ErrNoKeys, "keys do not count for ever")
}

// beingRead says whether the keys are read just now.
func (v *Verifier) beingRead() bool {
	p := v.keys.(*published)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reading != nil
}

// meanwhile has somebody come with a token while the issuer hangs, wait for no longer than
// until it was asked, and returns what the verifier says.
func (v *Verifier) meanwhile(t *testing.T, p *identitytest.Provider, token string) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := make(chan error, 1)
	go func() {
		_, err := v.Identify(ctx, token, time.Now())
		said <- err
	}()
	require.Eventually(t, func() bool { return p.Held() == 1 }, time.Minute, time.Millisecond, "the issuer is asked")
	cancel()
	err := <-said
	require.True(t, v.beingRead(), "whoever asks waits for the issuer to the end")
	return err
}

func TestAnIssuerThatHangsHoldsNobodyUpForLongerThanTheyWait(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p, func(s *Settings) { s.Pause = time.Nanosecond })
	v.keys.(*published).limit = time.Hour
	t.Cleanup(v.keys.(*published).stop)
	known := p.Sign(nil)
	_, err := v.Identify(t.Context(), known, time.Now())
	require.NoError(t, err)
	p.Rotate(jose.ES256)
	p.Hang(true)
	for range 3 { // who begins the reading, and those who come while it goes on
		require.ErrorIs(t, v.meanwhile(t, p, p.Sign(nil)), ErrUndecided, "there may be new keys")
		_, err = v.Identify(t.Context(), known, time.Now())
		require.NoError(t, err, "the key from before counts")
	}
	v.keys.(*published).forget()
	require.ErrorIs(t, v.meanwhile(t, p, known), ErrNoKeys)

	require.Equal(t, 1, p.Held(), "of all these, one has asked")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	v.Keep(ctx)
	require.False(t, v.beingRead(), "the reading outlives the service")
	require.Eventually(t, func() bool { return p.Held() == 0 }, time.Minute, time.Millisecond, "the issuer is still asked")
	p.Hang(false)
	reads := p.Reads()
	v.refuses(t, known, ErrNoKeys, "nothing is read once the service has stopped")
	require.Equal(t, reads, p.Reads())
}

func (p *published) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = time.Now().Add(-longestStale - time.Second)
}

func TestKeysThatWereWithdrawnCountNoLongerAfterAWhile(t *testing.T) {
	p := identitytest.New(t)
	v := by(t, p, func(s *Settings) { s.Refresh, s.Pause = 10*time.Millisecond, time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { v.Keep(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	token := p.Sign(nil)
	_, err := v.Identify(t.Context(), token, time.Now())
	require.NoError(t, err)
	p.Rotate(jose.ES256)
	require.Eventually(t, func() bool {
		_, err := v.Identify(t.Context(), token, time.Now())
		return err != nil
	}, time.Minute, time.Millisecond)
}

func TestAnIssuerIsWhoItSaysItIs(t *testing.T) {
	p := identitytest.New(t)
	p.Claim("https://elsewhere.example.com")
	by(t, p).refuses(t, p.Sign(nil), ErrNoKeys, "it calls itself otherwise")
	p.Claim("")
	by(t, p, func(s *Settings) { s.CA = "" }).refuses(t, p.Sign(nil), ErrNoKeys, "nobody vouches for its certificate")
}

func TestAFileWithKeysIsReadAgain(t *testing.T) {
	p := identitytest.New(t)
	first, second := identitytest.NewKey(t, jose.EdDSA), identitytest.NewKey(t, jose.ES256)
	path := written(t, pemOf(t, first))
	v := by(t, p, withKeys(path))
	v.keys.(*file).every = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { v.Keep(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	knows := func(alg jose.SignatureAlgorithm, k any) func() bool {
		token := identitytest.Sign(t, alg, k, p.Claims(nil))
		return func() bool {
			_, err := v.Identify(t.Context(), token, time.Now())
			return err == nil
		}
	}
	require.True(t, knows(jose.EdDSA, first)())
	require.NoError(t, os.WriteFile(path, []byte("half a fi"), 0o600))
	require.NoError(t, os.WriteFile(path+"2", pemOf(t, second), 0o600))
	require.NoError(t, os.Rename(path+"2", path))
	require.Eventually(t, knows(jose.ES256, second), time.Minute, time.Millisecond)
	require.False(t, knows(jose.EdDSA, first)())
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	p := identitytest.New(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // it is to be refused
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(weak)
	require.NoError(t, err)
	for name, change := range map[string]func(*Settings){
		"a short secret":           func(s *Settings) { s.Discovery, s.Secret = false, "short" },
		"an issuer in clear":       func(s *Settings) { s.Issuer = "http://127.0.0.1" },
		"no file":                  withKeys(filepath.Join(t.TempDir(), "none")),
		"an empty file":            withKeys(written(t, nil)),
		"a weak key":               withKeys(written(t, pemOf(t, weak))),
		"a private key":            withKeys(written(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))),
		"a secret as a JWK":        withKeys(written(t, []byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))),
		"a mapping without a role": func(s *Settings) { s.Grants = []string{"ops"} },
		"a mapping to no role":     func(s *Settings) { s.Grants = []string{"ops=root"} },
		"a mapping to no project":  func(s *Settings) { s.Grants = []string{"ops=viewer:No Name"} },
		"no such CA":               func(s *Settings) { s.CA = filepath.Join(t.TempDir(), "none") },
		"an empty CA":              func(s *Settings) { s.CA = written(t, nil) },
	} {
		set := Settings{Issuer: p.URL, Audience: []string{"x"}, Discovery: true}
		change(&set)
		_, err := New(set, zerolog.Nop())
		require.ErrorIs(t, err, ErrSettings, name)
		require.NotContains(t, err.Error(), "short\"")
	}
}
