package analysis

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// atOnce bounds the checks of all deployments that are under way in a process.
const atOnce = 32

// Settings is what an operator says about measuring.
type Settings struct {
	Server *url.URL       // the Prometheus of checks that name none; nil: there is none
	Token  config.Secret  // bearer token for Server, and for no other; empty: none
	Allow  []netip.Prefix // ranges that are not public, which checks may name all the same
}

// Meter takes measurements. Any number may be under way.
type Meter struct {
	set     Settings
	guarded *http.Transport
	trusted *http.Transport // for Server alone
	slots   chan struct{}
}

// Result is one measurement.
type Result struct {
	Verdict probe.Verdict // pass if all checks pass, fail if one fails, else inconclusive
	Details []Detail      // one a check, in their order
}

// Detail is what one check of a measurement has found.
type Detail struct {
	Name    string
	Verdict probe.Verdict
	Value   string // what was measured, a number or a status code; of several the one that decided; empty: nothing was
	Reason  string // why it does not pass, in words for a person. It holds neither URLs nor secrets
}

// New returns a meter.
func New(set Settings) *Meter {
	return &Meter{
		set: set, guarded: netguard.New(set.Allow).Transport(), trusted: netguard.Unguarded(),
		slots: make(chan struct{}, atOnce),
	}
}

// check is a check that can be measured. The context ends with its time.
type check interface {
	measure(ctx context.Context, m *Meter, of probe.Subject) Detail
	timeout() time.Duration
}

// Measure makes all checks once, at the same time, and returns when the last has
// ended or has used up its time. A check that cannot be read is inconclusive, and
// so is whatever the end of ctx cuts short, and a measurement of no checks.
func (m *Meter) Measure(ctx context.Context, checks []contract.Check, of probe.Subject) Result {
	r := Result{Verdict: probe.Pass, Details: make([]Detail, len(checks))}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			r.Details[i] = m.one(ctx, c, of)
			r.Details[i].Name = c.Name
		})
	}
	all.Wait()
	for _, d := range r.Details {
		r.Verdict = r.Verdict.And(d.Verdict)
	}
	if len(checks) == 0 {
		r.Verdict = probe.Inconclusive
	}
	return r
}

func (m *Meter) one(ctx context.Context, wire contract.Check, of probe.Subject) Detail {
	c, err := parse(wire)
	if err != nil {
		return unknown("the check cannot be made: " + err.Error())
	}
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return cutShort()
	}
	within, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	d := c.measure(within, m, of)
	if ctx.Err() != nil && d.Verdict != probe.Pass {
		return cutShort() // it says nothing about the canary that a scheduler stops
	}
	return d
}

func unknown(reason string) Detail { return Detail{Verdict: probe.Inconclusive, Reason: reason} }

func cutShort() Detail { return unknown("the measurement was cut short") }
