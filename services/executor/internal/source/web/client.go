package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

const (
	maxRedirects  = 5
	answerTimeout = 30 * time.Second // from the request to the head of its answer
)

// Options are what a Client is told.
type Options struct {
	Guard netguard.Guard
	Roots *x509.CertPool // nil: the system's
	Max   int64          // bytes of a package
	Stall time.Duration  // without a byte, after which a connection counts as broken
	Retry source.Retry
}

// Client fetches files from web servers.
type Client struct {
	http *http.Client
	opts Options
}

// New returns a client.
func New(opts Options) *Client {
	transport := opts.Guard.Transport()
	transport.ResponseHeaderTimeout = answerTimeout
	transport.DisableCompression = true // the digest is of what is stored there
	transport.TLSClientConfig = &tls.Config{RootCAs: opts.Roots, MinVersion: tls.VersionTLS12}
	return &Client{opts: opts, http: &http.Client{Transport: transport, CheckRedirect: redirects}}
}

// redirects follows a few, and none that leaves https: what proves who asks
// travels along to the same host.
func redirects(r *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("%w: it leads from https to %s", netguard.ErrRedirect, r.URL.Scheme)
	}
	if r.URL.Host != via[0].URL.Host {
		r.Header.Del("X-Amz-Security-Token") // net/http knows of Authorization alone
	}
	return netguard.Redirects(maxRedirects)(r, via)
}
