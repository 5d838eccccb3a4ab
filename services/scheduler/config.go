package scheduler

import (
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/probe"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
)

// Config is everything that can be set for a scheduler.
type Config struct {
	NATS    bus.Config        `conf:"nats"`
	Log     service.LogConfig `conf:"log"`
	Observe observe.Config    `conf:"observe"`
	Sweep   time.Duration     `conf:"sweep" default:"30s" help:"how often queues of hosts are checked for claims that lapsed, and deployments for a standstill"`

	Limits   LimitsConfig   `conf:"limits"`
	Analysis AnalysisConfig `conf:"analysis"`
}

// LimitsConfig bounds how many deployments are under way at once. It is the same
// for all replicas.
type LimitsConfig struct {
	Deployments int `conf:"deployments" default:"0" help:"deployments under way at once, rollbacks apart; 0: any number"`
	PerProject  int `conf:"per_project" default:"3" help:"the same, of one project; 0: any number"`
}

// Validate returns every mistake in the configuration.
func (c LimitsConfig) Validate() []error {
	var errs []error
	for name, n := range map[string]int{"deployments": c.Deployments, "per_project": c.PerProject} {
		if n < 0 {
			errs = append(errs, config.Invalid(name, "must not be negative"))
		}
	}
	return errs
}

// AnalysisConfig is about the checks that measure canaries.
type AnalysisConfig struct {
	Prometheus      string        `conf:"prometheus" help:"URL, without /api/v1, of the Prometheus that checks ask unless they name another; any server with its HTTP API will do"`
	PrometheusToken config.Secret `conf:"prometheus_token" help:"bearer token for this Prometheus; no other server gets it"`
	Allow           []string      `conf:"allow" help:"ranges (CIDR) that are not public and may be asked by checks all the same"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	if c.Sweep < time.Second {
		return []error{config.Invalid("sweep", "must be at least 1s, not %s", c.Sweep)}
	}
	return nil
}

// Validate returns every mistake in the configuration.
func (c AnalysisConfig) Validate() []error {
	var errs []error
	if _, err := c.server(); err != nil {
		errs = append(errs, config.Invalid("prometheus", "%w", err))
	}
	if c.PrometheusToken != "" && c.Prometheus == "" {
		errs = append(errs, config.Invalid("prometheus_token", "is given together with analysis.prometheus"))
	}
	if strings.ContainsFunc(string(c.PrometheusToken), isNoToken) {
		errs = append(errs, config.Invalid("prometheus_token", "holds what cannot be sent in a header"))
	}
	if _, err := netguard.ParseRanges(c.Allow); err != nil {
		errs = append(errs, config.Invalid("allow", "%w", err))
	}
	return errs
}

func isNoToken(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }

// server is the configured Prometheus, or nil.
func (c AnalysisConfig) server() (*url.URL, error) {
	if c.Prometheus == "" {
		return nil, nil
	}
	return probe.ParseServer(c.Prometheus)
}

// settings is what a valid configuration means to the meter.
func (c AnalysisConfig) settings() analysis.Settings {
	server, _ := c.server()
	allow, _ := netguard.ParseRanges(c.Allow)
	return analysis.Settings{Server: server, Token: c.PrometheusToken, Allow: allow}
}
