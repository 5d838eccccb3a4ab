package netguard

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

const dialTimeout = 10 * time.Second

// Transport returns one that connects to what the guard permits, and to nothing
// else. Each request has a connection of its own, so that each is looked at.
func (g Guard) Transport() *http.Transport {
	return transport(&net.Dialer{Timeout: dialTimeout, Control: g.Control})
}

// Unguarded returns the same transport for addresses that the operator names,
// and no client.
func Unguarded() *http.Transport {
	return transport(&net.Dialer{Timeout: dialTimeout})
}

func transport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		Proxy:               nil, // a proxy would connect to where this one may not
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: dialTimeout,
		DisableKeepAlives:   true,
	}
}

// Redirects is for http.Client's CheckRedirect: it follows so many, to http and
// https. It fails with ErrRedirect.
func Redirects(most int) func(r *http.Request, via []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		if len(via) > most {
			return fmt.Errorf("%w: more than %d in a row", ErrRedirect, most)
		}
		if !isHTTP(r.URL) {
			return fmt.Errorf("%w: it leads to neither http nor https", ErrRedirect)
		}
		r.Header.Del("Referer") // the URL before may hold a secret
		return nil
	}
}
