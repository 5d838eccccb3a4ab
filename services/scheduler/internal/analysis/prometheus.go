package analysis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/probe"
)

const userAgent = "slipway-scheduler"

// prometheusCheck is a query whose values must be as expected.
type prometheusCheck struct {
	server *url.URL // nil: the configured one
	query  string
	expect probe.Expectation
	absent probe.Verdict // of no value, or NaN
}

func (prometheusCheck) timeout() time.Duration { return probe.DefaultTimeout }

// measure judges what the server answers. That it does not answer, or cannot,
// says nothing about the canary.
func (c prometheusCheck) measure(ctx context.Context, m *Meter, of probe.Subject) Detail {
	values, err := m.query(ctx, c.server, of.InQuery(c.query))
	if err != nil {
		return unknown(err.Error())
	}
	return c.judge(values)
}

// judge finds the worst of the values. Where there are several of it, the first
// counts.
func (c prometheusCheck) judge(values []float64) Detail {
	if len(values) == 0 {
		return c.missing("the query has no result")
	}
	worst := c.judgeOne(values[0])
	for _, v := range values[1:] {
		if d := c.judgeOne(v); worst.Verdict.And(d.Verdict) != worst.Verdict {
			worst = d
		}
	}
	if n := len(values); n > 1 && worst.Reason != "" {
		worst.Reason += fmt.Sprintf(" (one of %d values)", n)
	}
	return worst
}

func (c prometheusCheck) judgeOne(v float64) Detail {
	d := Detail{Verdict: probe.Pass, Value: probe.Number(v)}
	switch {
	case math.IsNaN(v):
		d = c.missing("the query gives NaN")
		d.Value = probe.Number(v)
	case !c.expect.Holds(v):
		d.Verdict, d.Reason = probe.Fail, fmt.Sprintf("%s is not %s", d.Value, c.expect)
	}
	return d
}

func (c prometheusCheck) missing(reason string) Detail {
	if c.absent == probe.Pass {
		reason = ""
	}
	return Detail{Verdict: c.absent, Reason: reason}
}

// query asks a server, or the configured one, for the present values of a query.
// Its errors are words for a person.
func (m *Meter) query(ctx context.Context, server *url.URL, query string) ([]float64, error) {
	own := m.set.Server
	if server == nil && own == nil {
		return nil, errNoServer
	}
	client := &http.Client{Transport: m.guarded, CheckRedirect: netguard.Redirects(probe.MaxRedirects)}
	header := http.Header{"User-Agent": {userAgent}, "Accept": {"application/json"}}
	if own != nil && (server == nil || endpoint(server).String() == endpoint(own).String()) {
		server = own
		client = &http.Client{Transport: m.trusted, CheckRedirect: withinOrigin(own)}
		if m.set.Token != "" {
			header.Set("Authorization", "Bearer "+string(m.set.Token))
		}
	}
	u := endpoint(server)
	u.RawQuery = url.Values{"query": {query}, "timeout": {probe.DefaultTimeout.String()}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errNoRequest
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer: %s", netguard.Explain(ctx, err))
	}
	defer res.Body.Close()
	body, err := readBody(res.Body)
	if err != nil {
		return nil, err
	}
	values, err := readAnswer(res.StatusCode, body)
	return values, m.redact(err)
}

func endpoint(server *url.URL) *url.URL { return server.JoinPath("api/v1/query") }

// withinOrigin follows redirects that stay on the server: no other one may see
// the token, or is trusted.
func withinOrigin(server *url.URL) func(*http.Request, []*http.Request) error {
	within := netguard.Redirects(probe.MaxRedirects)
	return func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != server.Scheme || r.URL.Host != server.Host {
			return fmt.Errorf("%w: it leads to another server", netguard.ErrRedirect)
		}
		return within(r, via)
	}
}

// redact keeps a server that repeats what it was asked from showing the token.
func (m *Meter) redact(err error) error {
	if err == nil || m.set.Token == "" || !strings.Contains(err.Error(), string(m.set.Token)) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), string(m.set.Token), m.set.Token.String()))
}

// readBody reads a body that must not be longer than probe.MaxBody.
func readBody(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, probe.MaxBody+1))
	switch {
	case err != nil:
		return nil, errBrokenBody
	case len(data) > probe.MaxBody:
		return nil, errLongBody
	}
	return data, nil
}
