package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/certificates"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/modes"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/rex"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
)

// Config is everything that can be set for a gateway.
type Config struct {
	Listen              string            `conf:"listen" default:"127.0.0.1:8080" help:"address and port that the API listens on; port 0 takes a free one"`
	InsecureBehindProxy bool              `conf:"insecure_behind_proxy" help:"listen beyond loopback without TLS, since a proxy in front gives it"`
	TrustedProxies      []string          `conf:"trusted_proxies" help:"ranges (CIDR) of proxies that say in X-Forwarded-For whom a request is from"`
	TLS                 TLSConfig         `conf:"tls"`
	CORS                CORSConfig        `conf:"cors"`
	JWT                 JWTConfig         `conf:"jwt"`
	SealPublicKey       string            `conf:"seal_public_key" help:"the executors' public key, to which credentials are sealed, or a file that holds it"`
	NATS                bus.Config        `conf:"nats"`
	Log                 service.LogConfig `conf:"log"`
	Observe             observe.Config    `conf:"observe"`
	Limits              LimitsConfig      `conf:"limits"`
	Fetch               FetchConfig       `conf:"fetch"`
	Timeouts            TimeoutsConfig    `conf:"timeouts"`
	Deployments         DeploymentsConfig `conf:"deployments"`
	Webhooks            WebhooksConfig    `conf:"webhooks"`
	Rex                 rex.Config        `conf:"rex"`
	Modes               modes.Config      `conf:"modes"`
}

// TLSConfig is the certificate that the API shows. The files are read again when they
// were changed.
type TLSConfig struct {
	Cert     string        `conf:"cert" help:"certificate of the API, with those between it and its authority (PEM file); it is read again when it was changed"`
	Key      string        `conf:"key" help:"private key of the certificate (PEM file)"`
	ClientCA string        `conf:"client_ca" help:"authorities (PEM file) of which every client must show a certificate; empty: none need one"`
	HSTS     time.Duration `conf:"hsts" default:"8760h" help:"for which browsers are told to come by TLS alone; 0s: they are not"`
}

// Validate returns every mistake in the configuration.
func (c TLSConfig) Validate() []error {
	var errs []error
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, config.Invalid("cert", "is given together with key, or neither is"))
	}
	if c.ClientCA != "" && c.Cert == "" {
		errs = append(errs, config.Invalid("client_ca", "needs cert and key"))
	}
	if c.HSTS < 0 || c.HSTS > maxHSTS {
		errs = append(errs, config.Invalid("hsts", "must be 0s to %s", maxHSTS))
	}
	return errs
}

func (c TLSConfig) files() certificates.Files {
	return certificates.Files{Cert: c.Cert, Key: c.Key, ClientCA: c.ClientCA}
}

// check reads what is given.
func (c TLSConfig) check() error {
	if c.Cert == "" || c.Key == "" {
		return nil
	}
	_, err := c.files().Read()
	return wrap("tls", err)
}

// maxHSTS is what lists of browsers take at most.
const maxHSTS = 2 * 365 * 24 * time.Hour

// CORSConfig is which pages may use the API in a browser.
type CORSConfig struct {
	Origins []string      `conf:"origins" help:"origins whose pages may use the API in a browser, each exactly as a browser sends it, as https://console.example.com: without the port where that is 443, or 80 of http"`
	MaxAge  time.Duration `conf:"max_age" default:"10m" help:"for which a browser remembers that they may"`
}

// Validate returns every mistake in the configuration.
func (c CORSConfig) Validate() []error {
	var errs []error
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Host, "*") || strings.HasSuffix(u.Host, ":") ||
			origin != u.Scheme+"://"+strings.ToLower(u.Host):
			errs = append(errs, config.Invalid("origins", "%q is no origin as https://console.example.com; there is no word for all of them", origin))
		case u.Port() == impliedPorts[u.Scheme]:
			errs = append(errs, config.Invalid("origins", "%q is what no browser sends, for %s is the port of %s without saying so: write %s",
				origin, u.Port(), u.Scheme, strings.TrimSuffix(origin, ":"+u.Port())))
		}
	}
	if c.MaxAge < 0 || c.MaxAge > 24*time.Hour {
		errs = append(errs, config.Invalid("max_age", "must be 0s to 24h"))
	}
	return errs
}

// impliedPorts are those that browsers leave out of an origin, by its scheme.
var impliedPorts = map[string]string{"http": "80", "https": "443"}

// LimitsConfig bounds requests.
type LimitsConfig struct {
	MaxPackage config.Size `conf:"max_package" default:"2GiB" help:"largest package"`
	MaxJSON    config.Size `conf:"max_json" default:"1MiB" help:"largest JSON body"`
	Watches    int         `conf:"watches" default:"2000" help:"clients that are shown events at the same time"`

	CallerWatches int `conf:"caller_watches" default:"200" help:"of the clients that are shown events, those of one caller; 0: any number"`

	CallerRate  int `conf:"caller_rate" default:"500" help:"requests of one caller a second, and twice as many at once; 0: any number"`
	AddressRate int `conf:"address_rate" default:"1000" help:"requests from one address a second, and twice as many at once; 0: any number"`
	Guesses     int `conf:"guesses" default:"10" help:"different credentials that nobody has, from one address, after which it has to wait, each time twice as long; 0: never"`
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
	Beat     time.Duration `conf:"beat" default:"15s" help:"for which a connection that shows events may be silent"`
	Idle     time.Duration `conf:"idle" default:"2m" help:"between two requests of one connection"`
	Broker   time.Duration `conf:"broker" default:"3s" help:"for the message broker to answer; then requests get 503"`
	Query    time.Duration `conf:"query" default:"5s" help:"for history to answer"`
	Inspect  time.Duration `conf:"inspect" default:"30s" help:"for executors to read servers"`
	Resolve  time.Duration `conf:"resolve" default:"1m" help:"for an executor to find the commit that a branch or tag of git is"`
	Count    time.Duration `conf:"count" default:"5s" help:"between two counts of the replicas of services; one that does not answer three in a row is lost"`
	Leave    time.Duration `conf:"leave" default:"0s" help:"for which a gateway that stops still answers, and says at /readyz that it stops: as long as a balancer takes to see it"`
	Shutdown time.Duration `conf:"shutdown" default:"10s" help:"for requests to end when the gateway stops"`
}

// DeploymentsConfig is what requests for deployments may leave open.
type DeploymentsConfig struct {
	WhenBusy string `conf:"when_busy" default:"wait" help:"where as many deployments as may be are under way: wait, or refuse the request"`
	Profiles string `conf:"profiles" help:"file (YAML) with profiles of languages, over those that are built in"`
}

// profiles reads those that there are.
func (c DeploymentsConfig) profiles() (profile.Profiles, error) {
	all, err := profile.Load(c.Profiles)
	if err == nil {
		err = api.CheckProfiles(all)
	}
	return all, wrap("deployments.profiles", err)
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	return slices.Concat(c.validateListen(), c.validateBounds(), c.validateDoor())
}

func (c Config) validateListen() []error {
	var errs []error
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
		{"timeouts.answer", c.Timeouts.Answer}, {"timeouts.idle", c.Timeouts.Idle}, {"timeouts.beat", c.Timeouts.Beat}, {"timeouts.broker", c.Timeouts.Broker},
		{"timeouts.query", c.Timeouts.Query}, {"timeouts.inspect", c.Timeouts.Inspect},
		{"timeouts.resolve", c.Timeouts.Resolve}, {"timeouts.count", c.Timeouts.Count}, {"timeouts.shutdown", c.Timeouts.Shutdown}, {"fetch.timeout", c.Fetch.Timeout},
	} {
		if b.value <= 0 {
			errs = append(errs, config.Invalid(b.key, "must be more than 0"))
		}
	}
	if c.Timeouts.Leave < 0 {
		errs = append(errs, config.Invalid("timeouts.leave", "must not be less than 0"))
	}
	if c.Limits.MaxPackage <= 0 {
		errs = append(errs, config.Invalid("limits.max_package", "must be more than 0"))
	}
	if c.Limits.MaxJSON < config.KiB {
		errs = append(errs, config.Invalid("limits.max_json", "must be at least 1KiB"))
	}
	if c.Limits.Watches <= 0 {
		errs = append(errs, config.Invalid("limits.watches", "must be more than 0"))
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
