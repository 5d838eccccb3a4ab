package observe

import (
	"net"
	"strings"
	"unicode"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/netguard"
)

// minToken is the shortest token that is not to be guessed, in bytes.
const minToken = 16

// Config says where a process can be looked at. Where spans go is said by the
// environment variables that OpenTelemetry has for it.
type Config struct {
	Listen   string        `conf:"listen" help:"address and port for operators: /metrics, /healthz, /readyz, /log-level and, on loopback, /debug/pprof; port 0 takes a free one; empty: there is none"`
	Token    config.Secret `conf:"token" help:"bearer token that /metrics, /log-level and profiles demand; needed beyond loopback"`
	TLSCert  string        `conf:"tls_cert" help:"certificate of this listener (PEM file); needed beyond loopback; it is read again when it was changed"`
	TLSKey   string        `conf:"tls_key" help:"private key of the certificate (PEM file)"`
	Insecure bool          `conf:"insecure" help:"listen beyond loopback without a token or without TLS, since nobody else is on that network"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	var errs []error
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, config.Invalid("tls_cert", "is given together with observe.tls_key, or neither is"))
	}
	if c.Token != "" && (len(c.Token) < minToken || strings.ContainsFunc(string(c.Token), isNoToken)) {
		errs = append(errs, config.Invalid("token", "must be at least %d letters, digits and signs that a header can hold", minToken))
	}
	if c.Listen == "" {
		return errs
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return append(errs, config.Invalid("listen", "%q is not an address and a port, as 127.0.0.1:9090", c.Listen))
	}
	if !netguard.IsLoopback(host) && !c.Insecure && (c.Token == "" || c.TLSCert == "") {
		errs = append(errs, config.Invalid("listen", "%s is reachable from other machines: set observe.token and observe.tls_cert, "+
			"or observe.insecure where nobody else is on that network", c.Listen))
	}
	return errs
}

func isNoToken(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' }
