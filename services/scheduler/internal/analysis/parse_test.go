package analysis

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
)

func TestChecksAreValid(t *testing.T) {
	require.NoError(t, Validate([]contract.Check{
		{Name: "a", Prometheus: &contract.PrometheusCheck{Query: `up{version="{{version}}"}`, Expect: "< 1"}},
		{Name: "b", Prometheus: &contract.PrometheusCheck{Query: "up", Expect: "< 1", Absent: "pass", URL: "https://a/prometheus"}},
		{Name: "c", HTTP: &contract.HTTPCheck{URL: "https://a"}},
		{Name: "d", HTTP: &contract.HTTPCheck{URL: "https://a", Method: "POST", Status: "200", Body: "x", Matches: "y", Timeout: 60_000}},
	}))
}

func TestEveryMistakeInChecksIsNamed(t *testing.T) {
	err := Validate([]contract.Check{
		{},
		{Prometheus: &contract.PrometheusCheck{}, HTTP: &contract.HTTPCheck{}},
		{Prometheus: &contract.PrometheusCheck{Query: "{{host}}", Expect: "1", Absent: "skip", URL: "http://secret@a"}},
		{HTTP: &contract.HTTPCheck{URL: "http://secret@a", Method: "PUT", Status: "2", Body: "{{host}}", Matches: "(", Timeout: -1}},
		{HTTP: &contract.HTTPCheck{URL: "http://a", Method: "HEAD", Body: "x", Timeout: 60_001}},
	})
	require.ErrorIs(t, err, probe.ErrInvalid)
	require.ErrorIs(t, err, probe.ErrCredentials)
	for _, want := range []string{
		"checks[0]: invalid check", "checks[1]: invalid check",
		"checks[2]: prometheus.query: ", "prometheus.expect: ", "prometheus.absent: ", "prometheus.url: ",
		"checks[3]: http.url: ", "http.status: ", "http.body: ", "http.matches: ", "http.method: ", "http.timeout_ms: ",
		"checks[4]: http.method: invalid method: the answer to HEAD",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 2, strings.Count(err.Error(), "http.timeout_ms: "))
	require.NotContains(t, err.Error(), "secret")

	fine := contract.Check{HTTP: &contract.HTTPCheck{URL: "http://a"}}
	require.NoError(t, Validate(slices.Repeat([]contract.Check{fine}, probe.MaxChecks)))
	require.ErrorIs(t, Validate(slices.Repeat([]contract.Check{fine}, probe.MaxChecks+1)), probe.ErrInvalid)
	require.ErrorIs(t, Validate(nil), probe.ErrInvalid)
}
