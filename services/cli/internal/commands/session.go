package commands

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/settings"
)

// connect returns a client for a command that asks once and says at once what is wrong. slow is how long the server may
// take to answer where the user sets nothing.
func (a *app) connect(slow time.Duration) (*client.Client, error) {
	return a.open(client.Options{Timeout: slow})
}

// stay returns a client for a command that outlives a server's restart. outage is told while there is no answer.
func (a *app) stay(outage *outage) (*client.Client, error) { return a.stayFor(outage, defaultTimeout) }

// stayFor is stay where the server may take as long as slow to answer.
func (a *app) stayFor(outage *outage, slow time.Duration) (*client.Client, error) {
	return a.open(client.Options{Timeout: slow, Patient: true, Waiting: outage.waiting})
}

// open fills in where, as whom, and how long to wait: flags win over the environment, which wins over what is stored.
func (a *app) open(opts client.Options) (*client.Client, error) {
	to, err := a.account()
	if err != nil {
		return nil, err
	}
	opts.URL, opts.Token = to.address, to.token
	opts.UserAgent = "slipway/" + a.version
	if a.flags.patience {
		opts.Timeout = a.flags.timeout
	}
	c, err := client.New(opts)
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// account is a server and the token for it.
type account struct{ address, token string }

// account finds out where to ask and as whom, once: standard input can be read only once.
func (a *app) account() (account, error) {
	if a.known == nil {
		address, token, err := a.findAccount()
		if err != nil {
			return account{}, err
		}
		a.known = &account{address, token}
	}
	return *a.known, nil
}

func (a *app) findAccount() (address, token string, err error) {
	address, token = firstOf(a.flags.url, os.Getenv("SLIPWAY_URL")), os.Getenv("SLIPWAY_TOKEN")
	if a.flags.tokenFile != "" {
		if token, err = a.readToken(a.flags.tokenFile); err != nil {
			return "", "", err
		}
	}
	token = strings.TrimSpace(token)
	if address != "" && token != "" {
		return address, token, nil
	}
	stored, err := settings.Load()
	if err != nil {
		return "", "", err
	}
	if token == "" {
		// A token goes to the server that it is for, and to no other.
		if address != "" && !sameServer(address, stored.URL) {
			return "", "", fmt.Errorf("%w at %s; a token may come from --token-file or SLIPWAY_TOKEN", errNotLoggedIn, address)
		}
		token = stored.Token
	}
	address = firstOf(address, stored.URL)
	if address == "" || token == "" {
		return "", "", errNotLoggedIn
	}
	return address, token, nil
}

func sameServer(one, other string) bool {
	a, errA := client.ParseURL(one)
	b, errB := client.ParseURL(other)
	return errA == nil && errB == nil && a.String() == b.String()
}

// secretLimit bounds files that hold a secret, in bytes.
const secretLimit = 64 << 10

// readSecret reads a file that holds a secret; - is standard input. No error holds any of it.
func (a *app) readSecret(path string) (string, error) {
	f := a.in
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return "", usageError{err}
		}
		defer func() { _ = f.Close() }()
	}
	raw, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	switch {
	case err != nil:
		return "", usageError{err}
	case len(raw) > secretLimit:
		return "", usage("%s is larger than %d bytes: that is no secret", path, secretLimit)
	case len(bytes.TrimSpace(raw)) == 0:
		return "", usage("%s is empty", path)
	}
	return string(raw), nil
}

func (a *app) readToken(path string) (string, error) {
	token, err := a.readSecret(path)
	return strings.TrimSpace(token), err
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// outage says that the server does not answer, wherever the output of the moment has room for it. It says the same
// thing once.
type outage struct {
	mu   sync.Mutex
	said string
	say  func(string)
}

// waiting is told by the client why it waits.
func (o *outage) waiting(why error, _ time.Duration) {
	text := why.Error()
	var p *client.Problem
	if errors.As(why, &p) {
		text = "the server says: " + text
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if text != o.said {
		o.said = text
		o.say(text + "; trying again")
	}
}

// over is told that there is an answer.
func (o *outage) over() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said != "" {
		o.said = ""
		o.say("")
	}
}

// through sends what is to be said elsewhere from now on.
func (o *outage) through(say func(string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.say = say
}

// outage returns an outage that is told on standard error.
func (a *app) outage() *outage {
	return &outage{say: func(text string) {
		if text != "" {
			a.note("slipway: %s", text)
		}
	}}
}
