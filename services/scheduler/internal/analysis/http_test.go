package analysis

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// shop is a server as a canary would run one.
func shop() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "{\"method\":\"GET\",\n\"version\":\"1.2.3\"}")
	})
	mux.HandleFunc("POST /health", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "{\"method\":\"POST\"}")
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprint("/hop/", n-1), http.StatusFound)
		}
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, strings.Repeat("x", probe.MaxBody-2)+"in out")
	})
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = fmt.Fprint(w, "half")
	})
	return mux
}

func TestARequestIsJudgedByItsAnswer(t *testing.T) {
	s := serve(t, "127.0.0.1", shop())
	pass := func(status string) Detail { return Detail{Name: "it", Verdict: probe.Pass, Value: status} }
	fail := func(status, reason string) Detail {
		return Detail{Name: "it", Verdict: probe.Fail, Value: status, Reason: reason}
	}
	for name, c := range map[string]struct {
		path  string
		check contract.HTTPCheck
		want  Detail
	}{
		"any success":            {"/status/204", contract.HTTPCheck{}, pass("204")},
		"an error":               {"/status/503", contract.HTTPCheck{}, fail("503", "the status is 503, not 200-299")},
		"the one status":         {"/status/404", contract.HTTPCheck{Status: "404"}, pass("404")},
		"not the one status":     {"/health", contract.HTTPCheck{Status: "204"}, fail("200", "the status is 200, not 204")},
		"a range":                {"/status/403", contract.HTTPCheck{Status: "401-403"}, pass("403")},
		"by HEAD":                {"/health", contract.HTTPCheck{Method: "HEAD"}, pass("200")},
		"by POST":                {"/health", contract.HTTPCheck{Method: "POST", Body: `"POST"`}, pass("200")},
		"a text":                 {"/health", contract.HTTPCheck{Body: `"version":"{{version}}"`}, pass("200")},
		"another text":           {"/health", contract.HTTPCheck{Body: "1.2.4"}, fail("200", "the body does not hold the text")},
		"a pattern":              {"/health", contract.HTTPCheck{Matches: `(?m)^"version":"1\.\d+`}, pass("200")},
		"another pattern":        {"/health", contract.HTTPCheck{Matches: "^1"}, fail("200", "the body does not match the regular expression")},
		"the first MiB":          {"/long", contract.HTTPCheck{Body: "xin"}, pass("200")},
		"beyond the first MiB":   {"/long", contract.HTTPCheck{Body: "out"}, fail("200", "the body does not hold the text")},
		"half a body":            {"/half", contract.HTTPCheck{Body: "half"}, fail("200", "the answer does not arrive whole")},
		"half an unasked body":   {"/half", contract.HTTPCheck{}, pass("200")},
		"some redirects":         {"/hop/3", contract.HTTPCheck{}, pass("200")},
		"too many redirects":     {"/hop/4", contract.HTTPCheck{}, fail("", "no answer: the redirect is not followed: more than 3 in a row")},
		"a redirect is expected": {"/hop/4", contract.HTTPCheck{Status: "302"}, pass("302")},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.URL = s.URL + c.path
			require.Equal(t, c.want, single(t, local(), contract.Check{HTTP: &c.check}))
		})
	}
}

func TestAServerThatCannotBeReachedFails(t *testing.T) {
	trap := serve(t, "127.0.0.2", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the trap is asked")
	}))
	leads := serve(t, "127.0.0.1", http.RedirectHandler(trap.URL, http.StatusFound))
	secure := serve(t, "127.0.0.1", shop())
	for name, c := range map[string]struct{ url, reason string }{
		"nothing listens":           {"http://" + freeAddress(t), "its server refuses connections"},
		"a private address":         {trap.URL, trap.Listener.Addr().String() + " is not a public address"},
		"a redirect to one":         {leads.URL, trap.Listener.Addr().String() + " is not a public address"},
		"no TLS":                    {strings.Replace(secure.URL, "http://", "https://", 1), "no connection, or no HTTP"},
		"metadata of a cloud":       {"http://169.254.169.254/latest/meta-data/", "169.254.169.254:80 is not a public address"},
		"an address in other words": {"http://[::ffff:127.0.0.2]/", "127.0.0.2:80 is not a public address"},
	} {
		t.Run(name, func(t *testing.T) {
			d := single(t, local(), contract.Check{HTTP: &contract.HTTPCheck{URL: c.url + "?key=secret"}})
			require.Equal(t, probe.Fail, d.Verdict)
			require.Empty(t, d.Value)
			require.Contains(t, d.Reason, "no answer: "+c.reason)
			require.NotContains(t, d.Reason, "secret")
		})
	}
	_, port, err := net.SplitHostPort(leads.Listener.Addr().String())
	require.NoError(t, err)
	for _, name := range []string{leads.URL, "http://localhost:" + port} {
		d := single(t, New(Settings{}), contract.Check{HTTP: &contract.HTTPCheck{URL: name}})
		require.Contains(t, d.Reason, "not a public address", "nothing private is allowed unless it is said")
	}
}
