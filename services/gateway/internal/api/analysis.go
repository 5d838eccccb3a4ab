package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	leastInterval       = time.Second // each measurement is written down and told
	defaultInterval     = time.Minute
	maxMeasurements     = 1000
	defaultSuccesses    = 5
	defaultInconclusive = 3
)

// readAnalysis takes how measurements judge, with what was left out; nil where
// that is not said.
func readAnalysis(parent *field.Object) *contract.Analysis {
	o, ok := parent.Object("analysis")
	if !ok {
		return nil
	}
	a := &contract.Analysis{
		Checks: readChecks(o), Interval: readInterval(o), Successes: readCount(o, "successes", 1, defaultSuccesses),
		Failures: readCount(o, "failures", 0, 0), Inconclusive: readCount(o, "inconclusive", 0, defaultInconclusive),
	}
	o.End()
	return a
}

func readInterval(o *field.Object) int64 {
	text, given := o.Text("interval")
	if !given {
		return defaultInterval.Milliseconds()
	}
	d, wrong := rule.Duration(text)
	if wrong == "" && d < leastInterval {
		wrong = fmt.Sprintf("must be at least %s", leastInterval)
	}
	o.Check("interval", wrong)
	return d.Milliseconds()
}

func readCount(o *field.Object, name string, least, otherwise int) int {
	n, given := o.Int(name, least, maxMeasurements)
	if !given {
		return otherwise
	}
	return n
}

func readChecks(o *field.Object) []contract.Check {
	all, ok := o.Objects("checks")
	switch {
	case len(all) > probe.MaxChecks:
		o.Check("checks", fmt.Sprintf("must be at most %d", probe.MaxChecks))
		return nil
	case len(all) == 0 && (ok || !o.Given("checks") || o.Null("checks")):
		o.Check("checks", "must hold at least one")
	}
	var checks []contract.Check
	named := map[string]bool{}
	for _, one := range all {
		c := readCheck(one)
		if named[c.Name] {
			one.Check("name", "is that of another check")
		}
		named[c.Name] = c.Name != ""
		checks = append(checks, c)
	}
	return checks
}

func readCheck(o *field.Object) contract.Check {
	c := contract.Check{Name: mustHold(o, "name", rule.CheckName)}
	if p, ok := o.Object("prometheus"); ok {
		c.Prometheus = readPrometheusCheck(p)
	}
	if h, ok := o.Object("http"); ok {
		c.HTTP = readHTTPCheck(h)
	}
	given := func(name string) bool { return o.Given(name) && !o.Null(name) }
	switch {
	case given("prometheus") && given("http"):
		o.Check("http", "does not go with prometheus: a check is one of the two")
	case !given("prometheus") && !given("http"):
		o.Check("prometheus", "is required, or http instead of it")
	}
	o.End()
	return c
}

func readPrometheusCheck(o *field.Object) *contract.PrometheusCheck {
	c := &contract.PrometheusCheck{Query: mustHold(o, "query", rule.Query), URL: mayHold(o, "url", rule.PrometheusURL)}
	if text, given := o.Required("expect"); given {
		expect, wrong := rule.Expectation(text)
		o.Check("expect", wrong)
		c.Expect = expect.String()
	}
	absent, _ := o.OneOf("absent", verdicts()...)
	c.Absent = cmp.Or(absent, string(probe.Inconclusive))
	o.End()
	return c
}

func verdicts() (all []string) {
	for _, v := range probe.Verdicts() {
		all = append(all, string(v))
	}
	return all
}

func readHTTPCheck(o *field.Object) *contract.HTTPCheck {
	c := &contract.HTTPCheck{URL: mustHold(o, "url", rule.CheckURL), Timeout: probe.DefaultTimeout.Milliseconds()}
	method, _ := o.OneOf("method", probe.Methods()...)
	c.Method = cmp.Or(method, probe.Methods()[0])
	if c.Method == http.MethodHead {
		for _, name := range []string{"body", "matches"} {
			o.Refuse(name, "does not go with HEAD, whose answer has no body")
		}
	}
	c.Body, c.Matches = mayHold(o, "body", rule.BodyText), mayHold(o, "matches", rule.BodyPattern)
	c.Status = readStatuses(o)
	if text, given := o.Text("timeout"); given {
		d, wrong := rule.CheckTimeout(text)
		o.Check("timeout", wrong)
		c.Timeout = d.Milliseconds()
	}
	o.End()
	return c
}

// readStatuses takes status codes in their one canonical form.
func readStatuses(o *field.Object) string {
	text, given := o.Text("status")
	if given && text == "" {
		o.Check("status", "must not be empty")
	}
	codes, wrong := rule.Statuses(text) // of no text, those that mean success
	o.Check("status", wrong)
	return codes.String()
}

// namesVersion says whether a check is about the version of the deployment.
func namesVersion(a *contract.Analysis) bool {
	return a != nil && slices.ContainsFunc(a.Checks, func(c contract.Check) bool {
		return c.Prometheus != nil && probe.NamesVersion(c.Prometheus.Query) || c.HTTP != nil && probe.NamesVersion(c.HTTP.Body)
	})
}

// mustHold takes a text that must be there, and holds it against a rule.
func mustHold(o *field.Object, name string, check func(string) string) string {
	text, ok := o.Required(name)
	if ok {
		o.Check(name, check(text))
	}
	return text
}

// mayHold takes a text that may be absent, and holds it against a rule.
func mayHold(o *field.Object, name string, check func(string) string) string {
	text, ok := o.Text(name)
	if ok {
		o.Check(name, check(text))
	}
	return text
}

// analysis is how measurements judge, as a request says it.
type analysis struct {
	Checks       []check `json:"checks"`
	Interval     string  `json:"interval"`
	Successes    int     `json:"successes"`
	Failures     int     `json:"failures"`
	Inconclusive int     `json:"inconclusive"`
}

type check struct {
	Name       string                    `json:"name"`
	Prometheus *contract.PrometheusCheck `json:"prometheus,omitempty"` // said as on the wire
	HTTP       *httpCheck                `json:"http,omitempty"`
}

type httpCheck struct {
	URL     string `json:"url"`
	Method  string `json:"method"`
	Status  string `json:"status"`
	Body    string `json:"body,omitempty"`
	Matches string `json:"matches,omitempty"`
	Timeout string `json:"timeout"`
}

func analysisOf(a *contract.Analysis) *analysis {
	if a == nil {
		return nil
	}
	out := &analysis{Interval: period(a.Interval), Successes: a.Successes, Failures: a.Failures, Inconclusive: a.Inconclusive}
	for _, c := range a.Checks {
		shown := check{Name: c.Name, Prometheus: c.Prometheus}
		if h := c.HTTP; h != nil {
			shown.HTTP = &httpCheck{h.URL, h.Method, h.Status, h.Body, h.Matches, period(h.Timeout)}
		}
		out.Checks = append(out.Checks, shown)
	}
	return out
}
