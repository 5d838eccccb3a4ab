package gateway_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity/identitytest"
)

// withIssuer sets a gateway up with the issuer of the test.
func withIssuer(p *identitytest.Provider) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.JWT.Issuer, c.JWT.Audience, c.JWT.Discovery, c.JWT.CA = p.URL, []string{identitytest.Audience}, true, p.CA
		c.JWT.Claim, c.JWT.NameClaim, c.JWT.Grants = "groups", "email", []string{"ops=administrator", "team=deployer:shop"}
		c.JWT.RefreshPause = time.Millisecond
		c.Limits.Guesses = 0
	}
}

func TestPeopleAreKnownByTheirIssuer(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p))
	alice := map[string]any{"email": "alice@example.com", "groups": []string{"team", "other"}}
	who := f.as(p.Sign(alice)).get("/v1/whoami").is(200)
	require.Equal(t, "user", who.text("kind"))
	require.Equal(t, "alice@example.com", who.text("name"))
	require.Equal(t, []any{map[string]any{"role": "deployer", "project": "shop"}}, who.object()["grants"])
	require.NotEmpty(t, who.text("expires_at"))
	f.as(p.Sign(alice)).post("/v1/servers", web("a")).refused(403, "forbidden")

	ops := f.as(p.Sign(map[string]any{"groups": "ops"}))
	ops.post("/v1/servers", web("a")).is(201)
	f.shop("1")
	made := f.as(p.Sign(alice)).post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}, "project": "shop"}).is(202)
	require.Equal(t, "alice@example.com", made.text("actor"))
	require.NotContains(t, f.log.String(), ops.token)

	nobody := f.as(p.Sign(nil))
	require.Empty(t, nobody.get("/v1/whoami").is(200).object()["grants"])
	nobody.get("/v1/servers").refused(403, "forbidden")
	f.get("/v1/whoami").is(200)
}

func TestAnIssuersKeysMayChange(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p))
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA} {
		before := p.Sign(nil)
		f.as(before).get("/v1/whoami").is(200)
		p.Rotate(alg)
		f.as(p.Sign(nil)).get("/v1/whoami").is(200)
		f.as(before).get("/v1/whoami").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	}
}

func TestNobodyIsLockedOutWhileAnIssuerChangesItsKeys(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p), func(c *gateway.Config) { c.JWT.RefreshPause, c.JWT.Refresh, c.Limits.Guesses = time.Hour, time.Hour, 2 })
	f.as(p.Sign(nil)).get("/v1/whoami").is(200)
	p.Rotate(jose.ES256)
	for n := range 10 {
		f.as(p.Sign(map[string]any{"sub": fmt.Sprint("p", n)})).get("/v1/whoami").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	}
	f.get("/v1/whoami").is(200)
}

func TestAJWTThatIsNotTheIssuersIsRefused(t *testing.T) {
	p, other := identitytest.New(t), identitytest.New(t)
	f := start(t, withIssuer(p))
	rsaKey := p.Rotate(jose.RS256)
	der, err := x509.MarshalPKIXPublicKey(rsaKey.Private.Public())
	require.NoError(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	admin := map[string]any{"groups": "ops"}
	confused := func(secret []byte) string {
		return identitytest.Sign(t, jose.HS256, jose.JSONWebKey{Key: secret, KeyID: rsaKey.ID}, p.Claims(admin))
	}
	const none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJyb290In0."
	f.as(p.Sign(admin)).get("/v1/whoami").is(200)
	for name, token := range map[string]string{
		"another issuer's":          other.Sign(map[string]any{"iss": p.URL, "groups": "ops"}),
		"HS256 with the public key": confused(public),
		"HS256 with its bytes":      confused(der),
		"not signed":                none,
		"for others":                p.Sign(map[string]any{"aud": "payroll", "groups": "ops"}),
		"expired":                   p.Sign(map[string]any{"exp": time.Now().Add(-time.Hour).Unix(), "groups": "ops"}),
		"without an end":            p.Sign(map[string]any{"exp": nil, "groups": "ops"}),
	} {
		res := f.as(token).get("/v1/whoami")
		res.refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
		require.Equal(t, `Bearer realm="slipway"`, res.Header.Get("WWW-Authenticate"), name)
	}
}

// 1900000000000 is milliseconds, where seconds are meant.
func TestAJWTThatEndsAfterTheCalendarIsRefusedWithAReason(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p), func(c *gateway.Config) { c.Limits.Guesses = 2 })
	const lastSecond = 253402300799 // 9999-12-31 23:59:59
	for _, exp := range []int64{1900000000000, lastSecond + 1} {
		for _, path := range []string{"/v1/whoami", "/v1/servers"} {
			res := f.as(p.Sign(map[string]any{"exp": exp, "groups": "ops"})).get(path)
			res.refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
			require.Contains(t, res.text("detail"), "seconds")
		}
	}
	last := f.as(p.Sign(map[string]any{"exp": lastSecond, "groups": "ops"})).get("/v1/whoami").is(200)
	require.Equal(t, "9999-12-31T23:59:59Z", last.text("expires_at"), "there is no time for a leeway")
	for _, name := range []string{"nbf", "iat"} {
		res := f.as(p.Sign(map[string]any{name: 1900000000000})).get("/v1/whoami")
		res.refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
		require.Contains(t, res.text("detail"), "does not count yet")
	}
	f.get("/v1/whoami").is(200) // none of them was a guess
}

func TestManyJWTsWithKeysThatNobodyKnowsAskTheIssuerSeldom(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p), func(c *gateway.Config) { c.JWT.RefreshPause, c.JWT.Refresh = time.Hour, time.Hour })
	f.as(p.Sign(nil)).get("/v1/whoami").is(200)
	stranger := identitytest.NewKey(t, jose.ES256)
	var all sync.WaitGroup
	for i := range 50 {
		token := identitytest.Sign(t, jose.ES256, jose.JSONWebKey{Key: stranger, KeyID: fmt.Sprint("x", i)}, p.Claims(nil))
		all.Go(func() {
			res, err := f.as(token).try(request{method: "GET", path: "/v1/whoami"})
			if err != nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("a stranger: %v", err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, p.Reads())
}

func TestWithoutTheKeysOfTheIssuerItIsNotTheCallersFault(t *testing.T) {
	p := identitytest.New(t)
	p.Break(true)
	f := start(t, withIssuer(p))
	require.NotEmpty(t, f.as(p.Sign(nil)).get("/v1/whoami").is(503).Header.Get("Retry-After"))
	f.get("/v1/whoami").is(200)
	p.Break(false)
	f.eventually(func() bool { return f.as(p.Sign(nil)).get("/v1/whoami").StatusCode == 200 }, "the issuer is back")
}

func TestAnIssuerThatHangsHoldsNoRequestBeyondItsBound(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p))
	impatient := f.runImpatient()
	who := func(token string) *reply {
		return f.as(token).send(request{method: "GET", path: "/v1/whoami", url: impatient})
	}
	known := p.Sign(nil)
	f.eventually(func() bool { return who(known).StatusCode == 200 }, "its keys are read")
	p.Rotate(jose.ES256)
	p.Hang(true)
	var all sync.WaitGroup
	for n := range 5 { // one of them begins to ask the issuer, and the others wait for that
		token := p.Sign(map[string]any{"sub": fmt.Sprint("p", n)})
		all.Go(func() {
			res, err := f.as(token).try(request{method: "GET", path: "/v1/whoami", url: impatient})
			if err != nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("a key that may be new: %v", err)
			}
		})
	}
	all.Wait()
	who(known).is(200)

	impatient = f.runImpatient()
	require.NotEmpty(t, who(known).is(503).Header.Get("Retry-After"), "its keys were never read")
}

func TestARepeatOfAPersonsRequestIsNotDoneTwice(t *testing.T) {
	p := identitytest.New(t)
	f := start(t, withIssuer(p))
	first, other := f.as(p.Sign(map[string]any{"groups": "ops"})), f.as(p.Sign(map[string]any{"groups": "ops", "sub": "bob"}))
	made := first.once("k", "/v1/servers", web("a")).is(201)
	require.Equal(t, made.id(), first.once("k", "/v1/servers", web("a")).is(201).id())
	other.once("k", "/v1/servers", web("b")).is(201)
	newer := f.as(p.Sign(map[string]any{"groups": "ops", "jti": "2"}))
	newer.once("k", "/v1/servers", web("a")).refused(422, "idempotency_mismatch")
}

func TestEveryMistakeAboutJWTsIsNamed(t *testing.T) {
	keys := t.TempDir() + "/none"
	for want, change := range map[string]func(*gateway.JWTConfig){
		"issuer":   func(c *gateway.JWTConfig) { c.Secret = "x" },
		"one of":   func(c *gateway.JWTConfig) { c.Issuer = "https://example.com" },
		"audience": func(c *gateway.JWTConfig) { c.Issuer, c.Discovery = "https://example.com", true },
		"leeway":   func(c *gateway.JWTConfig) { c.Issuer, c.Leeway = "x", time.Hour },
		"refresh":  func(c *gateway.JWTConfig) { c.Issuer, c.Refresh = "x", 0 },
		"claim":    func(c *gateway.JWTConfig) { c.Issuer, c.Claim = "x", "" },
		"no such":  func(c *gateway.JWTConfig) { c.Issuer, c.Audience, c.Keys = "x", []string{"x"}, keys },
		"shorter":  func(c *gateway.JWTConfig) { c.Issuer, c.Audience, c.Secret = "x", []string{"x"}, "canary" },
		"https":    func(c *gateway.JWTConfig) { c.Issuer, c.Audience, c.Discovery = "http://x", []string{"x"}, true },
		"ops=tsar": func(c *gateway.JWTConfig) {
			c.Issuer, c.Audience, c.Discovery, c.Grants = "https://x", []string{"x"}, true, []string{"ops=tsar"}
		},
	} {
		f := prepare(t)
		change(&f.cfg.JWT)
		_, err := gateway.New(f.cfg, zerolog.Nop())
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "canary")
	}
}
