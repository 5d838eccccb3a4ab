package gateway

import (
	"context"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/courier"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// WebhooksConfig is about telling others of events.
type WebhooksConfig struct {
	PrivateKey   config.Secret `conf:"private_key" help:"private key to which the secrets of webhooks are sealed, the same for all gateways and not that of the executors; older ones may follow, a line each; empty: there are no webhooks"`
	Allow        []string      `conf:"allow" help:"ranges (CIDR) that are not public and may be sent to all the same"`
	Timeout      time.Duration `conf:"timeout" default:"15s" help:"for a receiver to answer"`
	RetryFirst   time.Duration `conf:"retry_first" default:"5s" help:"pause after the first failure of a delivery; each further one is twice as long"`
	RetryLongest time.Duration `conf:"retry_longest" default:"1h" help:"longest pause between two tries"`
	RetryFor     time.Duration `conf:"retry_for" default:"24h" help:"how long a delivery is tried before it is dead"`
	PauseAfter   time.Duration `conf:"pause_after" default:"72h" help:"how long a receiver may fail before it is paused"`
	MaxWaiting   int           `conf:"max_waiting" default:"20000" help:"deliveries that may wait for one receiver; further ones are dead at once; the last 20,000 of those can be replayed"`
	AtOnce       int           `conf:"at_once" default:"8" help:"deliveries to one receiver at once"`
	InFlight     int           `conf:"in_flight" default:"1024" help:"deliveries to all receivers at once"`
}

// courierBeat is how often the gateway that carries webhooks says so. After three without a word another takes over.
const courierBeat = 2 * time.Second

// Validate returns every mistake in the configuration.
func (c WebhooksConfig) Validate() []error {
	var errs []error
	for _, b := range []struct {
		key   string
		value time.Duration
	}{
		{"timeout", c.Timeout}, {"retry_first", c.RetryFirst}, {"retry_longest", c.RetryLongest}, {"retry_for", c.RetryFor}, {"pause_after", c.PauseAfter},
	} {
		if b.value <= 0 {
			errs = append(errs, config.Invalid(b.key, "must be more than 0"))
		}
	}
	for _, b := range []struct {
		key   string
		value int
	}{{"max_waiting", c.MaxWaiting}, {"at_once", c.AtOnce}, {"in_flight", c.InFlight}} {
		if b.value < 1 {
			errs = append(errs, config.Invalid(b.key, "must be at least 1"))
		}
	}
	if _, err := netguard.ParseRanges(c.Allow); err != nil {
		errs = append(errs, config.Invalid("allow", "%w", err))
	}
	if _, err := c.keys(); err != nil {
		errs = append(errs, config.Invalid("private_key", "%w", err))
	}
	return errs
}

// keys returns the private keys, or none where none are given.
func (c WebhooksConfig) keys() (seal.Keys, error) {
	if c.PrivateKey == "" {
		return seal.Keys{}, nil
	}
	return seal.ParseKeys(string(c.PrivateKey))
}

// openWebhooks opens what the API needs of webhooks.
func (s *Service) openWebhooks(ctx context.Context, b *bus.Bus, a *api.API) (err error) {
	w := api.Webhooks{Installation: b.Installation()}
	if w.Store, err = webhooks.Open(ctx, b, s.log); err != nil {
		return err
	}
	if w.Ledger, err = webhooks.OpenLedger(ctx, b); err != nil {
		return err
	}
	allowed, err := netguard.ParseRanges(s.cfg.Webhooks.Allow)
	if err != nil {
		return err
	}
	w.Guard = netguard.New(allowed)
	if s.cfg.Webhooks.PrivateKey != "" {
		keys, err := s.cfg.Webhooks.keys()
		if err != nil {
			return err
		}
		w.Seal = keys.Public()
	}
	a.Webhooks = w
	return nil
}

// openCourier returns this gateway's part in carrying webhooks, or nil where there are none.
func (s *Service) openCourier(ctx context.Context, b *bus.Bus, a *api.API) (*courier.Courier, error) {
	c := s.cfg.Webhooks
	if c.PrivateKey == "" {
		return nil, nil //nolint:nilnil // see above
	}
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	allowed, err := netguard.ParseRanges(c.Allow)
	if err != nil {
		return nil, err
	}
	cfg := courier.Config{
		Keys: keys, Allow: allowed, Timeout: c.Timeout, RetryFirst: c.RetryFirst, RetryLongest: c.RetryLongest, RetryFor: c.RetryFor,
		Forms: api.Forms, PauseAfter: c.PauseAfter, Waiting: c.MaxWaiting, AtOnce: c.AtOnce, InFlight: c.InFlight, Beat: courierBeat, Seen: s.seen,
	}
	return courier.Open(ctx, b, cfg, a.Webhooks.Store, a.Webhooks.Ledger, a.Servers.NameOf, s.log)
}
