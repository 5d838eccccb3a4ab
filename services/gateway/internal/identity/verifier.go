package identity

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	leastSecret = 32       // bytes, as many as HS256 makes of it
	maxToken    = 16 << 10 // bytes
	maxName     = 200      // characters
	fileEvery   = 2 * time.Second
)

// Settings say whose JWTs count. One of Secret, Keys and Discovery is set.
type Settings struct {
	Issuer    string
	Audience  []string // one of them must be in the token
	Secret    string
	Keys      string // file
	Discovery bool
	CA        string        // file with the authorities of the issuer; "": those of the machine
	Refresh   time.Duration // after which published keys are read again
	Pause     time.Duration // between two readings of them, at least
	Leeway    time.Duration // by which clocks may differ
	Claim     string        // that says which roles
	NameClaim string        // that says what the caller is called; where it is not there, the subject does
	Grants    []string      // value=grant
}

// Verifier knows callers by JWTs.
type Verifier struct {
	set     Settings
	mapping mapping
	keys    source
}

// New returns a verifier. It reads files, and asks nobody. It fails with ErrSettings.
func New(set Settings, log zerolog.Logger) (*Verifier, error) {
	v := &Verifier{set: set}
	var err error
	if v.mapping, err = parseMapping(set.Grants); err == nil {
		v.keys, err = openSource(set, log)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	return v, nil
}

func openSource(set Settings, log zerolog.Logger) (source, error) {
	switch {
	case set.Secret != "":
		if len(set.Secret) < leastSecret {
			return nil, fmt.Errorf("the secret is shorter than %d bytes", leastSecret)
		}
		return shared{[]byte(set.Secret)}, nil
	case set.Keys != "":
		return openFile(set.Keys, fileEvery, log)
	}
	if u, err := url.Parse(set.Issuer); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the issuer is no https URL, so its keys cannot be discovered")
	}
	transport := netguard.Unguarded()
	if set.CA != "" {
		pem, err := os.ReadFile(set.CA)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate is in it", set.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect }}
	return &published{issuer: set.Issuer, client: client, refresh: set.Refresh, pause: set.Pause, limit: readLimit, log: log}, nil
}

// Keep keeps the keys up to date until ctx ends. When it has returned, nobody is asked for
// them any more.
func (v *Verifier) Keep(ctx context.Context) { v.keys.keep(ctx) }

// Identify returns who the token says that its bearer is. It fails with
// access.ErrUnknown, whatever is wrong with the token, which is ErrUndecided where that is
// not certain, and ErrEnd where its end alone is; with access.ErrExpired where it is the time
// alone; or with ErrNoKeys.
func (v *Verifier) Identify(ctx context.Context, token string, now time.Time) (access.Caller, error) {
	if len(token) > maxToken {
		return access.Caller{}, access.ErrUnknown
	}
	parsed, err := jwt.ParseSigned(token, v.keys.algorithms())
	if err != nil || len(parsed.Headers) != 1 {
		return access.Caller{}, access.ErrUnknown
	}
	id, alg := parsed.Headers[0].KeyID, jose.SignatureAlgorithm(parsed.Headers[0].Algorithm)
	keys, then := v.keys.find(id, alg)
	claims, all, signed := opened(parsed, keys)
	if !signed {
		others, err := v.keys.again(ctx, id, alg, then)
		if err != nil {
			return access.Caller{}, err
		}
		claims, all, signed = opened(parsed, others)
	}
	if !signed {
		return access.Caller{}, access.ErrUnknown
	}
	return v.caller(claims, all, now)
}

// opened returns the claims of a token, if one of the keys has signed it.
func opened(token *jwt.JSONWebToken, keys []key) (claims jwt.Claims, all map[string]json.RawMessage, signed bool) {
	for _, k := range keys {
		if token.Claims(k.value, &claims, &all) == nil {
			return claims, all, true
		}
	}
	return jwt.Claims{}, nil, false
}

// caller returns who these claims are about, whose signature is good.
func (v *Verifier) caller(c jwt.Claims, all map[string]json.RawMessage, now time.Time) (access.Caller, error) {
	if c.Subject == "" || c.Expiry == nil { // one that counts for ever cannot be taken back
		return access.Caller{}, access.ErrUnknown
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: v.set.Issuer, AnyAudience: v.set.Audience, Time: now}, v.set.Leeway)
	switch {
	case errors.Is(err, jwt.ErrExpired), errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return access.Caller{}, access.ErrExpired
	case err != nil:
		return access.Caller{}, access.ErrUnknown
	case rule.Writable(c.Expiry.Time()) != "": // in milliseconds, as a rule
		return access.Caller{}, ErrEnd
	}
	name := c.Subject
	_ = json.Unmarshal(claim(all, v.set.NameClaim), &name) // a service may have none
	if rule.Name(name, 1, maxName) != "" {                 // it would stand in the history of deployments
		return access.Caller{}, access.ErrUnknown
	}
	expires := c.Expiry.Time().Add(v.set.Leeway).UTC()
	if rule.Writable(expires) != "" {
		expires = c.Expiry.Time().UTC()
	}
	return access.Caller{
		Kind: access.User, ID: subjectID(c), Name: name, Expires: &expires,
		Grants: v.mapping.grants(texts(claim(all, v.set.Claim))),
	}, nil
}

// subjectID tells subjects apart, of one issuer from another's, and from API tokens.
func subjectID(c jwt.Claims) string {
	sum := sha256.Sum256([]byte(c.Issuer + "\x00" + c.Subject))
	return "user-" + hex.EncodeToString(sum[:12])
}
