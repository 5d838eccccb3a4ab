package standalone_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/standalone"
)

const metricsDocs = "../../docs/observability.md"

var writeDocs = flag.Bool("write-docs", false, "draw the table of docs/observability.md anew")

func TestTheMetricsInTheDocsAreThoseOfTheServices(t *testing.T) {
	cfg := load(t, t.TempDir())
	s, err := standalone.New(cfg, zerolog.Nop(), &lifecycletest.Output{})
	require.NoError(t, err)
	p, err := observe.New(cfg.Observe, "test", zerolog.Nop())
	require.NoError(t, err)
	s.Observe(p)
	lifecycletest.Start(t, s.Run)

	have, err := os.ReadFile(metricsDocs)
	require.NoError(t, err)
	const begin, end = "<!-- metrics -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(have), begin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found)
	want := before + begin + "\n" + metricTable(p.Metrics()) + "\n" + end + after
	if *writeDocs {
		require.NoError(t, os.WriteFile(metricsDocs, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(have), "make metrics draws the table anew")
}

// metricTable has a line for each metric, however many services have it.
func metricTable(all []observe.Metric) string {
	services := map[string][]string{}
	var once []observe.Metric
	for _, m := range all {
		if services[m.Name] == nil {
			once = append(once, m)
		}
		services[m.Name] = append(services[m.Name], m.Service)
	}
	slices.SortStableFunc(once, func(a, b observe.Metric) int {
		// Those that all have come last.
		return cmp.Or(cmp.Compare(len(services[a.Name]), len(services[b.Name])), strings.Compare(a.Service, b.Service))
	})
	lines := []string{"| metric | service | | labels | what |", "|---|---|---|---|---|"}
	for _, m := range once {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		who := strings.Join(services[m.Name], ", ")
		if len(services[m.Name]) == 4 {
			who = "all"
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s | %s |", m.Name, who, m.Kind, labels, m.Help))
	}
	return strings.Join(lines, "\n") + "\n"
}
