package gateway_test

import (
	"maps"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway"
)

// whoIs asks who one is, as a proxy that says for whom.
func (f *fixture) whoIs(token, from string) *reply {
	f.Helper()
	return f.as(token).send(request{method: "GET", path: "/v1/whoami", header: map[string]string{"X-Forwarded-For": from}})
}

func (r *reply) saysWhen() int {
	r.Helper()
	after, err := strconv.Atoi(r.Header.Get("Retry-After"))
	require.NoError(r, err)
	require.Positive(r, after)
	return after
}

// lockedOut has somebody guess so often, and returns how what is asked then is refused. The first lockout is of a second:
// a machine that stalls for longer has them guess again.
func (f *fixture) lockedOut(guesses int, guess func(n int) *reply, ask func() *reply) *reply {
	f.Helper()
	var refused *reply
	said := func(r *reply) bool {
		if r.StatusCode == http.StatusTooManyRequests {
			refused = r
		}
		return refused != nil
	}
	for n := range guesses {
		guess(n).refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	}
	f.eventually(func() bool {
		if said(ask()) {
			return true
		}
		for n := range guesses {
			if said(guess(n)) {
				return true
			}
		}
		return said(ask())
	}, "nobody is locked out")
	refused.refused(429, "locked_out")
	require.NotContains(f, refused.text("hint"), "Correct the credential", "the one who reads it may have sent a good one")
	require.Contains(f, refused.text("hint"), "trusted_proxies")
	return refused
}

func behindProxy(c *gateway.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} }

// limited asks until it is refused for asking too often, which it is unless a request takes a second.
func (f *fixture) limited(ask func() *reply, otherwise int) {
	f.Helper()
	var last *reply
	f.eventually(func() bool {
		last = ask()
		return last.StatusCode != otherwise
	}, "it may ask as often as it likes")
	last.refused(429, "rate_limited")
	last.saysWhen()
}

func TestACallerMaySendSoMuch(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.CallerRate = 1 })
	other := f.tokenFor(grant("viewer", ""))
	f.limited(func() *reply { return f.as(other).get("/v1/whoami") }, 200)
	f.send(request{method: "GET", path: "/healthz", anonymous: true}).is(200)
}

func TestAnAddressMaySendSoMuch(t *testing.T) {
	f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.AddressRate = 1 })
	f.limited(func() *reply { return f.whoIs("", "192.0.2.1") }, 401)
	f.whoIs(f.token, "192.0.2.2").is(200)
}

func TestWhateverAnAddressAsksForIsCounted(t *testing.T) {
	const page = "https://console.example.com"
	for name, asked := range map[string]request{
		"a probe":         {method: "GET", path: "/healthz"},
		"readiness":       {method: "GET", path: "/readyz"},
		"an unknown path": {method: "GET", path: "/v1/nothing"},
		"another method":  {method: "DELETE", path: "/v1/whoami"},
		"the reference":   {method: "GET", path: "/openapi.yaml"},
		"a preflight":     {method: "OPTIONS", path: "/v1/whoami", header: map[string]string{"Origin": page, "Access-Control-Request-Method": "GET"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.AddressRate, c.CORS.Origins = 1, []string{page} })
			ask := func(address string) *reply {
				r := asked
				r.anonymous, r.header = true, map[string]string{"X-Forwarded-For": address}
				maps.Copy(r.header, asked.header)
				return f.send(r)
			}
			f.limited(func() *reply { return ask("192.0.2.1") }, ask("192.0.2.2").StatusCode)
		})
	}
}

func TestProbesAreNotHeldBackByOthersFromTheirAddress(t *testing.T) {
	f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.AddressRate = 1 })
	f.limited(func() *reply { return f.whoIs("", "192.0.2.1") }, 401)
	f.send(request{method: "GET", path: "/healthz", anonymous: true, header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}).is(200)
	for range 10 { // of the machine itself, or of a balancer
		f.send(request{method: "GET", path: "/healthz", anonymous: true}).is(200)
	}
}

func TestWhoGuessesHasToWait(t *testing.T) {
	f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.Guesses = 3 })
	guess := func(n int) string { return "slw_" + strconv.Itoa(n) + digest([]byte{byte(n)})[:40] }
	from := func(address string) (func(int) *reply, func() *reply) {
		return func(n int) *reply { return f.whoIs(guess(n), address) }, func() *reply { return f.whoIs(f.token, address) }
	}
	guesses, asks := from("192.0.2.1")
	f.lockedOut(3, guesses, asks).saysWhen()
	f.whoIs(f.token, "192.0.2.2, 192.0.2.3").is(200)
	f.whoIs("", "192.0.2.1").refused(401, "unauthorized") //nolint:misspell // nothing was guessed

	for n := range 10 { // a success in between
		f.whoIs(guess(n), "192.0.2.4").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
		f.whoIs(f.token, "192.0.2.4").is(200)
	}
	for range 10 { // a machine whose token was revoked
		f.whoIs("slw_revoked", "192.0.2.5").refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
	}
	network := []string{"2001:db8::1", "2001:db8::2", "2001:db8::3:4"}
	f.lockedOut(3, func(n int) *reply { return f.whoIs(guess(n), network[n]) }, func() *reply { return f.whoIs(f.token, "2001:db8::5") })
	f.whoIs(f.token, "2001:db8:0:1::5").is(200)
}

func TestGuessesAtOneTokenAreCountedWhereverTheyComeFrom(t *testing.T) {
	f := start(t, behindProxy, func(c *gateway.Config) { c.Limits.Guesses = 3 })
	near := func(n int) string { return f.token[:20] + digest([]byte{byte(n)})[:27] }
	f.lockedOut(3, func(n int) *reply { return f.whoIs(near(n), "192.0.2."+strconv.Itoa(n)) }, func() *reply { return f.whoIs(near(3), "192.0.2.3") })
	f.whoIs(f.token, "192.0.2.4").is(200)
}

func TestOnlyATrustedProxySaysWhomARequestIsFrom(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.Guesses = 1 })
	f.lockedOut(1, func(int) *reply { return f.whoIs("slw_x", "192.0.2.1") }, func() *reply { return f.whoIs(f.token, "192.0.2.2") })
}
