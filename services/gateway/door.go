package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity"
	"github.com/slipway-deploy/slipway/services/gateway/internal/throttle"
)

// JWTConfig is whose JWTs are taken for callers. Keys are had in one of three ways: from secret, keys or discovery.
type JWTConfig struct {
	Issuer       string        `conf:"issuer" help:"who signs the JWTs of callers (iss); of discovery, its https URL; empty: there are none"`
	Audience     []string      `conf:"audience" help:"whom JWTs are for (aud): they must name one of these"`
	Secret       config.Secret `conf:"secret" help:"secret that JWTs are signed with (HS256), of at least 32 bytes"`
	Keys         string        `conf:"keys" help:"file with the public keys of the issuer (RS256, ES256, EdDSA), as PEM or a JWK set; it is read again when it was changed"`
	Discovery    bool          `conf:"discovery" help:"have the issuer say which keys it signs with (OpenID Connect discovery)"`
	CA           string        `conf:"ca" help:"file (PEM) with the authorities that vouch for the issuer; empty: those of the machine"`
	Leeway       time.Duration `conf:"leeway" default:"30s" help:"by how much the clock of the issuer may differ"`
	Refresh      time.Duration `conf:"refresh" default:"10m" help:"after which published keys are read again"`
	RefreshPause time.Duration `conf:"refresh_pause" default:"10s" help:"between two readings of published keys, however many JWTs name one that is not known"`
	Claim        string        `conf:"claim" default:"slipway" help:"claim that says what the caller may do: a text or a list; dots lead into objects, as realm_access.roles"`
	NameClaim    string        `conf:"name_claim" help:"claim that says what the caller is called; empty, or not there: sub"`
	Grants       []string      `conf:"grants" help:"what values of the claim stand for, as ops=administrator or team-shop=deployer:shop; empty: values are roles themselves"`
}

// Validate returns every mistake in the configuration.
func (c JWTConfig) Validate() []error {
	if c.Issuer == "" {
		if c.Secret != "" || c.Keys != "" || c.Discovery {
			return []error{config.Invalid("issuer", "is required where JWTs are taken")}
		}
		return nil
	}
	var errs []error
	ways := 0
	for _, given := range []bool{c.Secret != "", c.Keys != "", c.Discovery} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		errs = append(errs, config.Invalid("issuer", "is given together with one of secret, keys and discovery"))
	}
	if len(c.Audience) == 0 {
		errs = append(errs, config.Invalid("audience", "is required: an issuer signs for others, too"))
	}
	if c.Claim == "" {
		errs = append(errs, config.Invalid("claim", "is required"))
	}
	if c.Leeway < 0 || c.Leeway > 5*time.Minute {
		errs = append(errs, config.Invalid("leeway", "must be 0s to 5m"))
	}
	if c.RefreshPause <= 0 || c.Refresh < c.RefreshPause {
		errs = append(errs, config.Invalid("refresh", "must be at least refresh_pause, which must be more than 0"))
	}
	return errs
}

// verifier returns nil where there are no JWTs.
func (c JWTConfig) verifier(log zerolog.Logger) (*identity.Verifier, error) {
	if c.Issuer == "" || len(c.Validate()) > 0 {
		return nil, nil //nolint:nilnil // nobody is known by a JWT
	}
	v, err := identity.New(identity.Settings{
		Issuer: c.Issuer, Audience: c.Audience, Secret: string(c.Secret), Keys: c.Keys, Discovery: c.Discovery, CA: c.CA,
		Leeway: c.Leeway, Refresh: c.Refresh, Pause: c.RefreshPause, Claim: c.Claim, NameClaim: c.NameClaim, Grants: c.Grants,
	}, log)
	return v, wrap("jwt", err)
}

// validateDoor returns the mistakes about limits and proxies.
func (c Config) validateDoor() []error {
	var errs []error
	for _, b := range []struct {
		key   string
		value int
	}{
		{"limits.caller_rate", c.Limits.CallerRate}, {"limits.caller_watches", c.Limits.CallerWatches}, {"limits.address_rate", c.Limits.AddressRate}, {"limits.guesses", c.Limits.Guesses},
	} {
		if b.value < 0 {
			errs = append(errs, config.Invalid(b.key, "must be 0, which is no limit, or more"))
		}
	}
	if _, err := netguard.ParseRanges(c.TrustedProxies); err != nil {
		errs = append(errs, config.Invalid("trusted_proxies", "%w", err))
	}
	return errs
}

// newDoor returns what stands before requests, still without the tokens.
func (s *Service) newDoor() api.Door {
	return api.Door{
		Users:   s.users,
		Callers: throttle.NewRates(s.cfg.Limits.CallerRate), Addresses: throttle.NewRates(s.cfg.Limits.AddressRate),
		Guesses: throttle.NewGuesses(s.cfg.Limits.Guesses), AddressOf: addressOf(s.cfg.TrustedProxies),
	}
}

// proxied returns what says whether a request comes from a trusted proxy.
func proxied(proxies []string) func(*http.Request) bool {
	ranges, _ := netguard.ParseRanges(proxies) // Validate has checked them
	return func(r *http.Request) bool {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		return err == nil && slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
	}
}

// addressOf returns what finds the address that a request comes from: of those that
// trusted proxies name, the last that is no such proxy.
func addressOf(proxies []string) func(*http.Request) netip.Addr {
	find := echo.ExtractIPDirect()
	if ranges, _ := netguard.ParseRanges(proxies); len(ranges) > 0 { // Validate has checked them
		trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
		for _, r := range ranges {
			trust = append(trust, echo.TrustIPRange(&net.IPNet{IP: r.Addr().AsSlice(), Mask: net.CIDRMask(r.Bits(), r.Addr().BitLen())}))
		}
		find = echo.ExtractIPFromXFFHeader(trust...)
	}
	return func(r *http.Request) netip.Addr {
		addr, _ := netip.ParseAddr(find(r)) // of none: all such are one
		return addr.Unmap().WithZone("")
	}
}
