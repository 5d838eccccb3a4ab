package analysis

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

const metrics = `
errors{application="shop",version="1.2.3",pod="a"} 0.004
errors{application="shop",version="1.2.3",pod="b"} 0.02
errors{application="shop",version="1.2.2",pod="c"} 0.5
latency{pod="a"} +Inf
ratio{pod="a"} NaN
ratio{pod="b"} 1
odd{name="it's \"so\" ` + "`\\\\" + `"} 7
`

func TestARealPrometheusIsAsked(t *testing.T) {
	p := startPrometheus(t, metrics)
	const ours = `errors{application="{{application}}",version="{{version}}"}`
	for name, c := range map[string]struct {
		check contract.PrometheusCheck
		want  Detail
	}{
		"all values are as expected": {
			contract.PrometheusCheck{Query: ours, Expect: "< 0.03"},
			Detail{Verdict: probe.Pass, Value: "0.004"},
		},
		"one of them is not": {
			contract.PrometheusCheck{Query: ours, Expect: "< 0.01"},
			Detail{Verdict: probe.Fail, Value: "0.02", Reason: "0.02 is not < 0.01 (one of 2 values)"},
		},
		"a value of its own": {
			contract.PrometheusCheck{Query: "sum(" + ours + ")", Expect: ">=0.03"},
			Detail{Verdict: probe.Fail, Value: "0.024", Reason: "0.024 is not >= 0.03"},
		},
		"a scalar":       {contract.PrometheusCheck{Query: "scalar(sum(" + ours + "))", Expect: "== 0.024"}, Detail{Verdict: probe.Pass, Value: "0.024"}},
		"more than any":  {contract.PrometheusCheck{Query: "latency", Expect: "< 1e300"}, Detail{Verdict: probe.Fail, Value: "+Inf", Reason: "+Inf is not < 1e+300"}},
		"other quotes":   {contract.PrometheusCheck{Query: `errors{version='{{version}}',pod="a"}`, Expect: "> 0"}, Detail{Verdict: probe.Pass, Value: "0.004"}},
		"several lines":  {contract.PrometheusCheck{Query: "sum(\n\terrors\n)", Expect: "> 0.5"}, Detail{Verdict: probe.Pass, Value: "0.524"}},
		"no deployment":  {contract.PrometheusCheck{Query: `errors{x="{{deployment}}"}`, Expect: "> 0"}, Detail{Verdict: probe.Inconclusive, Reason: "the query has no result"}},
		"absent passes":  {contract.PrometheusCheck{Query: "nothing", Expect: "> 0", Absent: "pass"}, Detail{Verdict: probe.Pass}},
		"absent fails":   {contract.PrometheusCheck{Query: "nothing", Expect: "> 0", Absent: "fail"}, Detail{Verdict: probe.Fail, Reason: "the query has no result"}},
		"NaN":            {contract.PrometheusCheck{Query: "ratio", Expect: ">= 1"}, Detail{Verdict: probe.Inconclusive, Value: "NaN", Reason: "the query gives NaN (one of 2 values)"}},
		"NaN passes":     {contract.PrometheusCheck{Query: "0 / sum(0 * errors)", Expect: "< 0", Absent: "pass"}, Detail{Verdict: probe.Pass, Value: "NaN"}},
		"wrong with NaN": {contract.PrometheusCheck{Query: "ratio", Expect: "> 1", Absent: "pass"}, Detail{Verdict: probe.Fail, Value: "1", Reason: "1 is not > 1 (one of 2 values)"}},
		"a range":        {contract.PrometheusCheck{Query: "errors[1m]", Expect: "> 0"}, Detail{Verdict: probe.Inconclusive, Reason: "the query does not give one number a series, but a matrix"}},
		"a text":         {contract.PrometheusCheck{Query: `"x"`, Expect: "> 0"}, Detail{Verdict: probe.Inconclusive, Reason: "the query does not give one number a series, but a string"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.Name = "it"
			var got Detail
			assert.Eventually(t, func() bool { // a scrape that took a second has failed, and nothing is known until the next one
				got = p.measure(t, c.check)
				return got == c.want
			}, patience, 20*time.Millisecond)
			require.Equal(t, c.want, got)
		})
	}

	t.Run("a query that cannot be read", func(t *testing.T) {
		d := p.measure(t, contract.PrometheusCheck{Query: "sum(", Expect: "> 0"})
		require.Equal(t, probe.Inconclusive, d.Verdict)
		require.Contains(t, d.Reason, "its server answers 400: bad_data: ")
		require.Contains(t, d.Reason, "parse error")
	})
	t.Run("a value that could end a literal", func(t *testing.T) {
		wild := probe.Subject{Application: "it's \"so\" `\\"}
		for _, quote := range []string{`"`, `'`} {
			require.Eventually(t, func() bool {
				r := New(Settings{Server: p.url}).Measure(t.Context(), []contract.Check{
					{Prometheus: &contract.PrometheusCheck{Query: "odd{name=" + quote + "{{application}}" + quote + "}", Expect: "== 7"}},
				}, wild)
				return r.Verdict == probe.Pass
			}, patience, 20*time.Millisecond, quote)
		}
	})
	t.Run("what changes is seen", func(t *testing.T) {
		c := contract.PrometheusCheck{Query: `errors{pod="a"}`, Expect: "< 0.01"}
		p.show(`errors{pod="a"} 0.5` + "\n")
		p.eventually(t, probe.Fail, c)
		p.show("")
		p.eventually(t, probe.Inconclusive, c)
	})
	t.Run("a server that a check names", func(t *testing.T) {
		c := contract.Check{Prometheus: &contract.PrometheusCheck{URL: p.url.String() + "/", Query: "vector(1)", Expect: "> 0"}}
		require.Equal(t, probe.Pass, single(t, local(), c).Verdict)
		d := single(t, New(Settings{}), c)
		require.Equal(t, probe.Inconclusive, d.Verdict)
		require.Equal(t, "no answer: "+p.url.Host+" is not a public address", d.Reason)
		require.Equal(t, probe.Pass, single(t, New(Settings{Server: p.url}), c).Verdict, "the configured one is always allowed")
	})
}

// answering is a server that says this to whatever it is asked.
func answering(t *testing.T, status int, body string) *url.URL {
	t.Helper()
	s := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	return u
}

func TestAPrometheusThatDoesNotAnswerIsInconclusive(t *testing.T) {
	vector := func(result string) string {
		return `{"status":"success","data":{"resultType":"vector","result":` + result + `}}`
	}
	for name, c := range map[string]struct {
		status int
		body   string
		reason string
	}{
		"an error of a proxy":    {502, "<html>bad gateway", "its server answers 502"},
		"an error of Prometheus": {503, `{"status":"error","errorType":"unavailable","error":"not\nready"}`, "its server answers 503: unavailable: not ready"},
		"no permission":          {401, "", "its server answers 401"},
		"another page":           {200, "<html>", "the answer is not of Prometheus' HTTP API"},
		"other JSON":             {200, `{"data":[]}`, "the answer is not of Prometheus' HTTP API"},
		"no answer":              {200, "", "the answer is not of Prometheus' HTTP API"},
		"no number":              {200, vector(`[{"value":[1,"x"]}]`), "the answer is not of Prometheus' HTTP API"},
		"a bare number":          {200, vector(`[{"value":[1,2]}]`), "the answer is not of Prometheus' HTTP API"},
		"half a sample":          {200, vector(`[{"value":[1]}]`), "the answer is not of Prometheus' HTTP API"},
		"a histogram":            {200, vector(`[{"histogram":[1,{"count":"1"}]}]`), "the query does not give one number a series, but a histogram"},
		"more than can be held":  {200, strings.Repeat(" ", probe.MaxBody) + vector("[]"), "the answer is longer than 1 MiB"},
		"a complaint of any length": {400, `{"status":"error","errorType":"x","error":"` + strings.Repeat("y", 1000) + `"}`,
			"its server answers 400: x: " + strings.Repeat("y", maxComplaint) + " …"},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Settings{Server: answering(t, c.status, c.body)})
			d := single(t, m, contract.Check{Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "> 0"}})
			require.Equal(t, Detail{Name: "it", Verdict: probe.Inconclusive, Reason: c.reason}, d)
		})
	}

	check := contract.Check{Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "> 0"}}
	require.Contains(t, single(t, New(Settings{}), check).Reason, "analysis.prometheus")
	m := New(Settings{Server: &url.URL{Scheme: "http", Host: freeAddress(t)}})
	require.Equal(t, Detail{Name: "it", Verdict: probe.Inconclusive, Reason: "no answer: its server refuses connections"}, single(t, m, check))
}

func TestTheTokenGoesToTheConfiguredPrometheusAlone(t *testing.T) {
	const token = "t0p-secret"
	seen := make(chan string, 100)
	elsewhere := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		_, _ = fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`)
	}))
	mux := http.NewServeMux()
	own := serve(t, "127.0.0.1", mux)
	mux.Handle("/moved/api/v1/query", http.RedirectHandler("/prom/api/v1/query", http.StatusTemporaryRedirect))
	mux.Handle("/away/api/v1/query", http.RedirectHandler(elsewhere.URL+"/api/v1/query", http.StatusTemporaryRedirect))
	mux.HandleFunc("/prom/api/v1/query", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		if r.Header.Get("Authorization") == "Bearer "+token {
			_, _ = fmt.Fprint(w, `{"status":"error","errorType":"echo","error":"Bearer `+token+`"}`)
		}
	})
	ask := func(path, named string) Detail {
		u, err := url.Parse(own.URL + path)
		require.NoError(t, err)
		m := New(Settings{Server: u, Token: token, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		d := single(t, m, contract.Check{Prometheus: &contract.PrometheusCheck{URL: named, Query: "up", Expect: "> 0"}})
		require.NotContains(t, fmt.Sprintf("%+v %+v", d, m.set), token)
		return d
	}

	require.Equal(t, "its server answers 400: echo: Bearer [secret]", ask("/prom", "").Reason)
	require.Equal(t, "its server answers 400: echo: Bearer [secret]", ask("/moved", "").Reason, "a redirect on the same server is followed")
	require.Equal(t, "no answer: the redirect is not followed: it leads to another server", ask("/away", "").Reason)
	require.Empty(t, seen, "nothing was asked there")
	require.Equal(t, probe.Pass, ask("/prom", elsewhere.URL).Verdict)
	require.Empty(t, <-seen)
	require.Equal(t, probe.Pass, ask("/prom", own.URL+"/away").Verdict, "a check may name a server that leads on")
	require.Empty(t, <-seen)
}
