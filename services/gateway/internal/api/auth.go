package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity"
	"github.com/slipway-deploy/slipway/services/gateway/internal/throttle"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

// Door is what stands before every request that is not public.
type Door struct {
	Tokens    *tokens.Store
	Users     *identity.Verifier // nil: nobody is known by a JWT
	Callers   *throttle.Rates
	Addresses *throttle.Rates
	Guesses   *throttle.Guesses
	AddressOf func(*http.Request) netip.Addr // whom a request is from; the zero Addr: that cannot be told
}

// authorize finds out who calls, and whether they call too often.
func (a *API) authorize(c *call) error {
	if err := a.identify(c); err != nil {
		return err
	}
	if wait := a.Door.Callers.Take(c.caller.ID, time.Now()); wait > 0 {
		return problemf(codeRateLimited, "you send more requests than limits.caller_rate allows").after(wait)
	}
	return nil
}

// identify finds out who calls. Whatever is wrong with a credential, the answer is the
// same, unless its time alone is wrong.
func (a *API) identify(c *call) error {
	now := time.Now()
	address := throttle.Network(a.Door.AddressOf(c.http.Request()))
	secret := c.credential()
	if secret == "" {
		return errUnidentified
	}
	if wait := a.Door.locked(address, secret, now); wait > 0 {
		return problemf(codeLockedOut, "too many credentials that nobody has came from your address, or begin like this one; this one was not looked at").after(wait)
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	caller, err := a.Door.who(ctx, secret)
	switch {
	case errors.Is(err, identity.ErrUndecided): // no guess: the issuer's keys may have changed just now
		return errUnidentified
	case errors.Is(err, identity.ErrEnd): // no guess either: the issuer has signed it
		return problemf(codeUnauthorized, "the JWT ends (exp) after the year 9999: its times are seconds since 1970, not milliseconds")
	case errors.Is(err, access.ErrUnknown):
		a.Door.failed(address, secret, now)
		return errUnidentified
	case errors.Is(err, access.ErrExpired):
		return problemf(codeUnauthorized, "the credential has expired, or does not count yet")
	case err != nil:
		return err
	}
	a.Door.Guesses.Succeeded(addressKey(address))
	c.caller, c.secret = caller, secret // also where it is refused then: the audit log says whose it is
	return nil
}

// admitAddress counts a request, whatever it asks for, for the address that it is from.
// Probes are counted by themselves, so that a gateway is not taken for dead because much
// else comes from there; those of the machine itself, and of trusted proxies themselves,
// are not.
func (a *API) admitAddress(req *http.Request, probe bool) error {
	from := a.Door.AddressOf(req)
	key := throttle.Network(from)
	if probe {
		own := req.Header.Get(echo.HeaderXForwardedFor) == "" // nobody has passed it on
		if own && (from.IsLoopback() || a.Edge.Proxied != nil && a.Edge.Proxied(req)) {
			return nil
		}
		key = "probe " + key
	}
	if wait := a.Door.Addresses.Take(key, time.Now()); wait > 0 {
		return problemf(codeRateLimited, "more requests come from your address than limits.address_rate allows").after(wait)
	}
	return nil
}

// credential is what the caller is known by, "" if none is sent.
func (c *call) credential() string {
	if c.dialect != nil {
		return c.dialect.Credential(c.http.Request())
	}
	scheme, secret, _ := strings.Cut(c.http.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

var errUnidentified = problemf(codeUnauthorized, "a valid API token or JWT is needed: Authorization: Bearer …")

// who returns whose credential this is.
func (d Door) who(ctx context.Context, secret string) (access.Caller, error) {
	if d.Users != nil && !tokens.Is(secret) {
		return d.Users.Identify(ctx, secret, time.Now())
	}
	return d.Tokens.Identify(ctx, secret)
}

func addressKey(address string) string { return "address " + address }
func prefixKey(secret string) string   { return "prefix " + tokens.Prefix(secret) }

// locked returns how long nothing is looked at that comes from the address, or begins
// like the token. A good token is not held back by what others guess.
func (d Door) locked(address, secret string, now time.Time) time.Duration {
	wait := d.Guesses.Wait(addressKey(address), now)
	if wait == 0 && tokens.Is(secret) && !d.Tokens.Knows(secret) {
		wait = d.Guesses.Wait(prefixKey(secret), now)
	}
	return wait
}

func (d Door) failed(address, secret string, now time.Time) {
	d.Guesses.Failed(addressKey(address), secret, now)
	if tokens.Is(secret) {
		d.Guesses.Failed(prefixKey(secret), secret, now)
	}
}

// still fails where who called is not let in any more, for what lasts long.
func (a *API) still(ctx context.Context, c *call) error {
	ctx, cancel := context.WithTimeout(ctx, a.Limits.Broker)
	defer cancel()
	caller, err := a.Door.who(ctx, c.secret)
	if err == nil && !caller.Grants.Somewhere(c.needs) {
		err = access.ErrUnknown
	}
	if err == nil {
		c.caller = caller // it may see less by now
	}
	return err
}
