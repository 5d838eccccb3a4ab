package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// parse reads a check. It fails with every mistake in it as one error, which wraps
// probe.ErrInvalid and repeats no URL. Gateways tell clients the same mistakes,
// field by field; what comes by another way is found here.
func parse(c contract.Check) (check, error) {
	switch {
	case (c.Prometheus == nil) == (c.HTTP == nil):
		return nil, fmt.Errorf("%w check: it must be of either Prometheus or HTTP", probe.ErrInvalid)
	case c.Prometheus != nil:
		return parsePrometheus(*c.Prometheus)
	default:
		return parseHTTP(*c.HTTP)
	}
}

// mistakes collects what is wrong with the fields of a check.
type mistakes []error

func (m *mistakes) note(field string, err error) {
	if err != nil {
		*m = append(*m, fmt.Errorf("%s: %w", field, err))
	}
}

func parsePrometheus(wire contract.PrometheusCheck) (check, error) {
	var wrong mistakes
	c := prometheusCheck{query: wire.Query, absent: cmp.Or(probe.Verdict(wire.Absent), probe.Inconclusive)}
	wrong.note("prometheus.query", probe.CheckQuery(wire.Query))
	var err error
	c.expect, err = probe.ParseExpectation(wire.Expect)
	wrong.note("prometheus.expect", err)
	if wire.URL != "" {
		c.server, err = probe.ParseServer(wire.URL)
		wrong.note("prometheus.url", err)
	}
	if !slices.Contains(probe.Verdicts(), c.absent) {
		wrong.note("prometheus.absent", fmt.Errorf("%w verdict %q", probe.ErrInvalid, wire.Absent))
	}
	return c, errors.Join(wrong...)
}

func parseHTTP(wire contract.HTTPCheck) (check, error) {
	var wrong mistakes
	c := httpCheck{
		method: cmp.Or(wire.Method, http.MethodGet), page: probe.Page{Body: wire.Body},
		within: cmp.Or(time.Duration(wire.Timeout)*time.Millisecond, probe.DefaultTimeout),
	}
	var err error
	c.url, err = probe.ParseURL(wire.URL)
	wrong.note("http.url", err)
	c.page.Statuses, err = probe.ParseStatuses(wire.Status)
	wrong.note("http.status", err)
	wrong.note("http.body", probe.CheckBody(wire.Body))
	if wire.Matches != "" {
		c.page.Matches, err = probe.ParsePattern(wire.Matches)
		wrong.note("http.matches", err)
	}
	if !slices.Contains(probe.Methods(), c.method) {
		wrong.note("http.method", fmt.Errorf("%w method %q: it is none of %v", probe.ErrInvalid, wire.Method, probe.Methods()))
	}
	if c.method == http.MethodHead && c.page.ReadsBody() {
		wrong.note("http.method", fmt.Errorf("%w method: the answer to HEAD has no body to look at", probe.ErrInvalid))
	}
	if c.within < 0 || c.within > probe.MaxTimeout {
		wrong.note("http.timeout_ms", fmt.Errorf("%w timeout: it must be at most %s", probe.ErrInvalid, probe.MaxTimeout))
	}
	return c, errors.Join(wrong...)
}
