//go:build bench

package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// TestHistoryAnswers reads from the embedded store with 10,000 deployments in it.
func TestHistoryAnswers(t *testing.T) {
	wanted(t, "history.answers")
	s, _ := embedded(t)
	known(t, s, 10_000)
	began := time.Now()
	_, err := s.List(t.Context(), query.Page{Limit: 1})
	require.NoError(t, err)
	figure(t, "history.answers.known_after", float64(time.Since(began).Milliseconds()), "ms", 0)
	figure(t, "history.answers.status_p95", p95(t, 200, func(i int) error {
		_, err := s.Headers(t.Context(), []string{fmt.Sprintf("h%019d", i*37)})
		return err
	}), "µs", 0)
	for name, page := range map[string]query.Page{
		"first_page": {Limit: 101}, "of_application": {Limit: 101, Application: "web"},
		"of_server": {Limit: 101, Server: "h1"}, "old_page": {Limit: 101, After: query.Place{
			AcceptedAt: foldtest.FullHeader("h", 1).AcceptedAt.Add(-5000 * time.Minute), ID: "h",
		}},
	} {
		figure(t, "history.answers."+name+"_p95", p95(t, 200, func(int) error {
			found, err := s.List(t.Context(), page)
			require.NoError(t, err)
			require.Len(t, found, 101)
			return nil
		}), "µs", 0)
	}
}

// p95 in microseconds.
func p95(t *testing.T, n int, do func(i int) error) float64 {
	t.Helper()
	var took []time.Duration
	for i := range n {
		began := time.Now()
		require.NoError(t, do(i))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return float64(took[n*95/100].Microseconds())
}
