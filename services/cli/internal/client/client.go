package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Options says how to talk to a gateway.
type Options struct {
	URL       string        // http or https
	Token     string        // sent as a bearer token, to this URL alone
	UserAgent string        // what the gateway logs
	Timeout   time.Duration // how long to wait without a sign of life, repeats included; at least a millisecond

	// Patient makes every request repeat itself while the gateway is unreachable or asks for it (503), until Timeout
	// is over. Requests that change something carry the same Idempotency-Key each time.
	Patient bool
	// Waiting, if set, is told before each wait of a patient request why it waits, and for how long.
	Waiting func(why error, wait time.Duration)
}

// Client talks to one gateway. Its methods may be called from any goroutine.
type Client struct {
	opts Options
	base *url.URL
	http *http.Client
	skew atomic.Int64 // the gateway's clock minus ours, in nanoseconds
}

// New returns a client. It connects to nothing. It fails with ErrBadURL or ErrBadToken.
func New(opts Options) (*Client, error) {
	base, err := ParseURL(opts.URL)
	if err != nil {
		return nil, err
	}
	if opts.Token == "" || strings.ContainsFunc(opts.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("%w: it must be one line of visible ASCII characters", ErrBadToken)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = 5 * time.Second
	return &Client{
		opts: opts,
		base: base,
		http: &http.Client{
			Transport: transport,
			// A redirect would carry the token, or a package, to an address that nobody named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// ParseURL reads the address of a gateway. It fails with ErrBadURL.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: it cannot be read", ErrBadURL) // the cause would repeat it, with what is secret in it
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%w: it must begin with http:// or https:// and name a host", ErrBadURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user or a password", ErrBadURL)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("%w: it must not hold a query or a fragment", ErrBadURL)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// Now is the time by the gateway's clock, as far as its answers have told: the times in them can be compared with it
// even where the clock of this machine is wrong.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.skew.Load())) }

// noteClock learns the gateway's time from the Date header, which has whole seconds: less than two of difference are
// none.
func (c *Client) noteClock(date string) {
	if at, err := http.ParseTime(date); err == nil {
		skew := time.Until(at)
		if skew.Abs() < 2*time.Second {
			skew = 0
		}
		c.skew.Store(int64(skew))
	}
}

// WhoAmI asks whose token this is.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	var who Identity
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/whoami", into: &who})
	return who, err
}

// Identity is who calls.
type Identity struct {
	Kind      string     `json:"kind"` // token or user
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Grants    []Grant    `json:"grants"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// Grant is a role that somebody has.
type Grant struct {
	Role    string `json:"role"`
	Project string `json:"project,omitempty"` // empty: over all
}

// String is the grant as ParseGrant reads it.
func (g Grant) String() string {
	if g.Project == "" {
		return g.Role
	}
	return g.Role + ":" + g.Project
}

// ParseGrant reads a role, or role:project. Which roles there are, the gateway knows.
func ParseGrant(text string) Grant {
	role, project, _ := strings.Cut(text, ":")
	return Grant{role, project}
}
