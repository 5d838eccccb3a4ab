package gateway

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
)

// Config is everything that can be set for a gateway.
type Config struct {
	Listen              string            `conf:"listen" default:"127.0.0.1:8080" help:"address and port that the API listens on; port 0 takes a free one"`
	InsecureBehindProxy bool              `conf:"insecure_behind_proxy" help:"listen beyond loopback without TLS, since a proxy in front gives it"`
	TLS                 TLSConfig         `conf:"tls"`
	SealPublicKey       string            `conf:"seal_public_key" help:"the executors' public key, to which credentials are sealed, or a file that holds it"`
	NATS                bus.Config        `conf:"nats"`
	Log                 service.LogConfig `conf:"log"`
	Limits              LimitsConfig      `conf:"limits"`
	Fetch               FetchConfig       `conf:"fetch"`
	Timeouts            TimeoutsConfig    `conf:"timeouts"`
	Deployments         DeploymentsConfig `conf:"deployments"`
}

// TLSConfig is the certificate that the API shows.
type TLSConfig struct {
	Cert string `conf:"cert" help:"certificate of the API (PEM file)"`
	Key  string `conf:"key" help:"private key of the certificate (PEM file)"`
}

// check reads the certificate, where one is given.
func (c TLSConfig) check() error {
	if c.Cert == "" || c.Key == "" {
		return nil
	}
	_, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	return wrap("tls", err)
}

// LimitsConfig bounds requests.
type LimitsConfig struct {
	MaxPackage config.Size `conf:"max_package" default:"2GiB" help:"largest package"`
	MaxJSON    config.Size `conf:"max_json" default:"1MiB" help:"largest JSON body"`
}

// FetchConfig is about packages that the gateway fetches from URLs.
type FetchConfig struct {
	Allow   []string      `conf:"allow" help:"ranges (CIDR) that are not public and may be fetched from all the same"`
	Timeout time.Duration `conf:"timeout" default:"10m" help:"how long fetching a package may take"`
}

// TimeoutsConfig bounds waiting.
type TimeoutsConfig struct {
	Header   time.Duration `conf:"header" default:"10s" help:"for the head of a request to arrive"`
	Body     time.Duration `conf:"body" default:"30s" help:"for a JSON body to arrive"`
	Upload   time.Duration `conf:"upload" default:"1m" help:"without a byte of an upload"`
	Answer   time.Duration `conf:"answer" default:"30s" help:"for an answer to be taken by the client"`
	Idle     time.Duration `conf:"idle" default:"2m" help:"between two requests of one connection"`
	Broker   time.Duration `conf:"broker" default:"3s" help:"for the message broker to answer; then requests get 503"`
	Query    time.Duration `conf:"query" default:"5s" help:"for history to answer"`
	Inspect  time.Duration `conf:"inspect" default:"30s" help:"for executors to read servers"`
	Resolve  time.Duration `conf:"resolve" default:"1m" help:"for an executor to find the commit that a branch or tag of git is"`
	Shutdown time.Duration `conf:"shutdown" default:"10s" help:"for requests to end when the gateway stops"`
}

// DeploymentsConfig is what requests for deployments may leave open.
type DeploymentsConfig struct {
	WhenBusy string `conf:"when_busy" default:"wait" help:"where as many deployments as may be are under way: wait, or refuse the request"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	return append(c.validateListen(), c.validateBounds()...)
}

func (c Config) validateListen() []error {
	var errs []error
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		errs = append(errs, config.Invalid("tls.cert", "is given together with tls.key, or neither is"))
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return append(errs, config.Invalid("listen", "%q is not an address and a port, as 127.0.0.1:8080", c.Listen))
	}
	if !isLoopback(host) && c.TLS.Cert == "" && !c.InsecureBehindProxy {
		errs = append(errs, config.Invalid("listen", "%s is reachable from other machines, and tokens and credentials "+
			"would cross the network in clear: set tls.cert and tls.key, or insecure_behind_proxy "+
			"where a proxy in front of the gateway speaks TLS", c.Listen))
	}
	return errs
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (c Config) validateBounds() []error {
	var errs []error
	for _, b := range []struct {
		key   string
		value time.Duration
	}{
		{"timeouts.header", c.Timeouts.Header}, {"timeouts.body", c.Timeouts.Body}, {"timeouts.upload", c.Timeouts.Upload},
		{"timeouts.answer", c.Timeouts.Answer}, {"timeouts.idle", c.Timeouts.Idle}, {"timeouts.broker", c.Timeouts.Broker},
		{"timeouts.query", c.Timeouts.Query}, {"timeouts.inspect", c.Timeouts.Inspect},
		{"timeouts.resolve", c.Timeouts.Resolve}, {"timeouts.shutdown", c.Timeouts.Shutdown}, {"fetch.timeout", c.Fetch.Timeout},
	} {
		if b.value <= 0 {
			errs = append(errs, config.Invalid(b.key, "must be more than 0"))
		}
	}
	if c.Limits.MaxPackage <= 0 {
		errs = append(errs, config.Invalid("limits.max_package", "must be more than 0"))
	}
	if c.Limits.MaxJSON < config.KiB {
		errs = append(errs, config.Invalid("limits.max_json", "must be at least 1KiB"))
	}
	if c.Deployments.WhenBusy != api.BusyWait && c.Deployments.WhenBusy != api.BusyRefuse {
		errs = append(errs, config.Invalid("deployments.when_busy", "must be %s or %s", api.BusyWait, api.BusyRefuse))
	}
	if _, err := netguard.ParseRanges(c.Fetch.Allow); err != nil {
		errs = append(errs, config.Invalid("fetch.allow", "%w", err))
	}
	return errs
}

// sealKey reads the public key from the setting itself, or from the file that
// it names.
func (c Config) sealKey() (seal.PublicKey, error) {
	text := c.SealPublicKey
	if text == "" {
		return seal.PublicKey{}, fmt.Errorf("seal_public_key: %w", errNoSealKey)
	}
	key, err := seal.ParsePublic(text)
	if err == nil || strings.HasPrefix(strings.TrimSpace(text), "slipway-seal-") {
		return key, wrap("seal_public_key", err)
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return seal.PublicKey{}, wrap("seal_public_key", errors.Join(errors.New("neither a key nor a file with one"), err))
	}
	key, err = seal.ParsePublic(string(data))
	return key, wrap("seal_public_key: "+text, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
