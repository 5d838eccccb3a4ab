//go:build bench

package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var (
	only   = flag.String("only", "", "run only the benchmarks whose name contains this")
	out    = flag.String("out", "", "append results to this file, a JSON object a line")
	rounds = flag.Int("rounds", 3, "rounds of each benchmark; medians are reported")
)

// figure is one measured quantity. Where there is a baseline, it is the same
// quantity of the simplest program that does the same, in the same unit.
type figure struct {
	Name     string    `json:"name"`
	Value    float64   `json:"value"` // median over the rounds
	Unit     string    `json:"unit"`
	Baseline float64   `json:"baseline"` // median; 0: there is none
	Ratio    float64   `json:"ratio"`    // value / baseline
	Samples  []float64 `json:"samples"`  // of value, a round each
}

var figures []figure

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if err := report(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// wanted skips a benchmark that -only leaves out.
func wanted(t *testing.T, name string) {
	t.Helper()
	if *only != "" && !strings.Contains(name, *only) {
		t.Skipf("left out by -only %s", *only)
	}
}

// measurement is what one round of one contender gives, by name of the figure.
type measurement map[string]float64

// compare runs both contenders in turns and notes the medians. units says which
// figures there are.
func compare(t *testing.T, units map[string]string, slipway, baseline func(round int) measurement) {
	t.Helper()
	ours, theirs := map[string][]float64{}, map[string][]float64{}
	for round := range *rounds {
		for name, v := range slipway(round) {
			ours[name] = append(ours[name], v)
		}
		for name, v := range baseline(round) {
			theirs[name] = append(theirs[name], v)
		}
	}
	for name, unit := range units {
		require.Len(t, ours[name], *rounds, name)
		f := figure{Name: name, Unit: unit, Value: median(ours[name]), Samples: ours[name]}
		if len(theirs[name]) > 0 {
			f.Baseline = median(theirs[name])
			f.Ratio = f.Value / f.Baseline
		}
		figures = append(figures, f)
	}
}

func median(v []float64) float64 { return percentile(v, 0.5) }

func percentile(v []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report prints the table and writes the JSON lines.
func report() error {
	slices.SortFunc(figures, func(a, b figure) int { return strings.Compare(a.Name, b.Name) })
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "name\tvalue\tbaseline\tratio\tunit\tsamples")
	for _, f := range figures {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s\t%.2f\n", f.Name, f.Value, f.Baseline, f.Ratio, f.Unit, f.Samples)
	}
	if err := table.Flush(); err != nil || *out == "" {
		return err
	}
	file, err := os.OpenFile(*out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	for _, f := range figures {
		if err := lines.Encode(f); err != nil {
			return err
		}
	}
	return file.Close()
}

// atOnce calls fn for the numbers below count, 32 of them at once as the
// scheduler does, and returns an error if one fails.
func atOnce(count int, fn func(n int) error) error {
	var g errgroup.Group
	g.SetLimit(32)
	for n := range count {
		g.Go(func() error { return fn(n) })
	}
	return g.Wait()
}
