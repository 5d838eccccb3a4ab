package analysis

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

func TestChecksAreValid(t *testing.T) {
	for _, c := range []contract.Check{
		{Prometheus: &contract.PrometheusCheck{Query: `up{version="{{version}}"}`, Expect: "< 1"}},
		{Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "< 1", Absent: "pass", URL: "https://a/prometheus"}},
		{HTTP: &contract.HTTPCheck{URL: "https://a"}},
		{HTTP: &contract.HTTPCheck{URL: "https://a", Method: "POST", Status: "200", Body: "x", Matches: "y", Timeout: 60_000}},
	} {
		_, err := parse(c)
		require.NoError(t, err)
	}
}

func TestEveryMistakeInACheckIsNamed(t *testing.T) {
	for _, c := range []struct {
		check contract.Check
		named []string
	}{
		{contract.Check{}, []string{"invalid check"}},
		{contract.Check{Prometheus: &contract.PrometheusCheck{}, HTTP: &contract.HTTPCheck{}}, []string{"invalid check"}},
		{
			contract.Check{Prometheus: &contract.PrometheusCheck{Query: "{{host}}", Expect: "1", Absent: "skip", URL: "http://secret@a"}},
			[]string{"prometheus.query: ", "prometheus.expect: ", "prometheus.absent: ", "prometheus.url: ", probe.ErrCredentials.Error()},
		},
		{
			contract.Check{HTTP: &contract.HTTPCheck{URL: "http://secret@a", Method: "PUT", Status: "2", Body: "{{host}}", Matches: "(", Timeout: -1}},
			[]string{"http.url: ", "http.status: ", "http.body: ", "http.matches: ", "http.method: ", "http.timeout_ms: ", probe.ErrCredentials.Error()},
		},
		{
			contract.Check{HTTP: &contract.HTTPCheck{URL: "http://a", Method: "HEAD", Body: "x", Timeout: 60_001}},
			[]string{"http.method: invalid method: the answer to HEAD", "http.timeout_ms: "},
		},
	} {
		_, err := parse(c.check)
		require.ErrorIs(t, err, probe.ErrInvalid)
		for _, name := range c.named {
			require.ErrorContains(t, err, name)
		}
		require.NotContains(t, err.Error(), "secret")
	}
}
