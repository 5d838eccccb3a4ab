package analysis

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

// stuck is a server that tells when it is asked, and does not answer.
func stuck(t *testing.T) (address string, asked chan struct{}) {
	t.Helper()
	asked = make(chan struct{}, 100)
	done := make(chan struct{})
	s := serve(t, "127.0.0.1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(func() { close(done) }) // before the server waits for its requests
	return s.URL, asked
}

func TestAMeasurementIsAsGoodAsItsWorstCheck(t *testing.T) {
	s := serve(t, "127.0.0.1", shop())
	to := func(name, path string) contract.Check {
		return contract.Check{Name: name, HTTP: &contract.HTTPCheck{URL: s.URL + path}}
	}
	unmeasured := contract.Check{Name: "unmeasured", Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "> 0"}}
	for name, c := range map[string]struct {
		checks []contract.Check
		want   probe.Verdict
	}{
		"all pass":             {[]contract.Check{to("a", "/health"), to("b", "/status/200")}, probe.Pass},
		"one fails":            {[]contract.Check{to("a", "/health"), unmeasured, to("b", "/status/500")}, probe.Fail},
		"one is not known":     {[]contract.Check{to("a", "/health"), unmeasured}, probe.Inconclusive},
		"one cannot be made":   {[]contract.Check{to("a", "/health"), {Name: "b"}}, probe.Inconclusive},
		"there is none at all": {nil, probe.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			r := local().Measure(t.Context(), c.checks, subject)
			require.Equal(t, c.want, r.Verdict)
			require.Len(t, r.Details, len(c.checks))
			for i, d := range r.Details {
				require.Equal(t, c.checks[i].Name, d.Name, "details are in the order of the checks")
				require.Equal(t, d.Verdict != probe.Pass, d.Reason != "")
			}
		})
	}
}

func TestChecksAreMadeAtTheSameTime(t *testing.T) {
	here, all := make(chan struct{}, probe.MaxChecks), make(chan struct{})
	s := serve(t, "127.0.0.1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		here <- struct{}{}
		select {
		case <-all: // each waits for the last
		case <-r.Context().Done():
		}
	}))
	checks := make([]contract.Check, probe.MaxChecks)
	for i := range checks {
		checks[i].HTTP = &contract.HTTPCheck{URL: s.URL, Timeout: patience.Milliseconds()}
	}
	go func() {
		for range checks {
			<-here
		}
		close(all)
	}()
	require.Equal(t, probe.Pass, local().Measure(t.Context(), checks, subject).Verdict)
}

func TestACheckThatTakesTooLongHasItsVerdict(t *testing.T) {
	address, _ := stuck(t)
	d := single(t, local(), contract.Check{HTTP: &contract.HTTPCheck{URL: address, Timeout: 50}})
	require.Equal(t, Detail{Name: "it", Verdict: probe.Fail, Reason: "no answer: its server does not answer in time"}, d)
}

func TestWhatIsCutShortSaysNothing(t *testing.T) {
	address, asked := stuck(t)
	server, err := url.Parse(address)
	require.NoError(t, err)
	m := local()
	m.set.Server = server
	for name, c := range map[string]contract.Check{
		"HTTP":       {HTTP: &contract.HTTPCheck{URL: address}},
		"Prometheus": {Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "> 0", Absent: "fail"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-asked
				cancel()
			}()
			d := singleWithin(ctx, t, m, c)
			require.Equal(t, Detail{Name: "it", Verdict: probe.Inconclusive, Reason: "the measurement was cut short"}, d)
			require.Equal(t, d, singleWithin(ctx, t, m, c), "nothing is begun any more")
		})
	}
}

func TestChecksUnderWayAreBounded(t *testing.T) {
	address, asked := stuck(t)
	ctx, cancel := context.WithCancel(t.Context())
	m := local()
	check := contract.Check{HTTP: &contract.HTTPCheck{URL: address, Timeout: patience.Milliseconds()}}
	done := make(chan Result)
	const more = atOnce + 5
	for range more {
		go func() { done <- m.Measure(ctx, []contract.Check{check}, subject) }()
	}
	for range atOnce {
		<-asked
	}
	require.Len(t, m.slots, atOnce)
	require.Empty(t, asked, "the others wait")
	cancel()
	for range more {
		require.Equal(t, probe.Inconclusive, (<-done).Verdict)
	}
	require.Empty(t, m.slots)
}
