//go:build bench

package bench

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
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
	only     = flag.String("only", "", "run only the benchmarks whose name contains this")
	out      = flag.String("out", "", "append results to this file, a JSON object a line")
	rounds   = flag.Int("rounds", 3, "rounds of each benchmark; medians are reported")
	profiles = flag.String("profiles", "", "directory for CPU profiles of Slipway, of the rehearsals before it is measured")
)

// figure is one measured quantity. Where there is a baseline, it is the same
// quantity of the simplest program that does the same, in the same unit.
type figure struct {
	Name     string             `json:"name"`
	Value    float64            `json:"value"` // median over the rounds
	Unit     string             `json:"unit"`
	Baseline float64            `json:"baseline"`        // median; 0: there is none
	Ratio    float64            `json:"ratio"`           // value / baseline
	Samples  []float64          `json:"samples"`         // of value, a round each
	Peers    map[string]float64 `json:"peers,omitempty"` // medians of others that do the same
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
	if !isWanted(name) {
		t.Skipf("left out by -only %s", *only)
	}
}

func isWanted(name string) bool { return *only == "" || strings.Contains(name, *only) }

// measurement is what one round of one contender gives, by name of the figure.
type measurement map[string]float64

// turn measures one round of one contender.
type turn func(round int) measurement

// rival is a contender beside Slipway and the baseline.
type rival struct {
	name string
	turn turn
}

// compare runs both contenders in turns and notes the medians. units says which
// figures there are.
func compare(t *testing.T, units map[string]string, slipway, baseline turn) {
	t.Helper()
	compareAll(t, units, slipway, baseline, nil)
}

// compareAll is compare with rivals, which take part in the first rounds.
func compareAll(t *testing.T, units map[string]string, slipway, baseline turn, rivals []rival) {
	t.Helper()
	ours, theirs, others := samples{}, samples{}, map[string]samples{}
	for _, r := range rivals {
		others[r.name] = samples{}
	}
	for round := range *rounds {
		ours.add(slipway(round))
		theirs.add(baseline(round))
		for _, r := range rivals {
			if round < *peerRounds {
				others[r.name].add(r.turn(round))
			}
		}
	}
	for name, unit := range units {
		require.Len(t, ours[name], *rounds, name)
		f := figure{Name: name, Unit: unit, Value: median(ours[name]), Samples: ours[name], Peers: map[string]float64{}}
		if len(theirs[name]) > 0 {
			f.Baseline = median(theirs[name])
		}
		for rival, s := range others {
			if len(s[name]) > 0 {
				f.Peers[rival] = median(s[name])
			}
		}
		note(f)
	}
}

func note(f figure) {
	if f.Baseline != 0 {
		f.Ratio = f.Value / f.Baseline
	}
	figures = append(figures, f)
}

// medianOf returns the medians of a figure that compare has noted.
func medianOf(name string) (value, baseline float64) {
	for _, f := range figures {
		if f.Name == name {
			return f.Value, f.Baseline
		}
	}
	panic(name + " was not measured")
}

// samples are what the rounds of one contender gave, by name of the figure.
type samples map[string][]float64

func (s samples) add(m measurement) {
	for name, v := range m {
		s[name] = append(s[name], v)
	}
}

func median(v []float64) float64 { return percentile(v, 0.5) }

func percentile(v []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(v))
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report prints the tables and writes the JSON lines.
func report() error {
	slices.SortFunc(figures, func(a, b figure) int { return strings.Compare(a.Name, b.Name) })
	if err := errors.Join(printFigures(), printPeers()); err != nil || *out == "" {
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

func printFigures() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "name\tvalue\tbaseline\tratio\tunit\tsamples")
	for _, f := range figures {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s\t%.2f\n", f.Name, f.Value, f.Baseline, f.Ratio, f.Unit, f.Samples)
	}
	return table.Flush()
}

// printPeers prints the figures that peers have, too, a column each.
func printPeers() error {
	all := map[string]bool{}
	for _, f := range figures {
		for peer := range f.Peers {
			all[peer] = true
		}
	}
	if len(all) == 0 {
		return nil
	}
	peers := slices.Sorted(maps.Keys(all))
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\nbeside peers\tunit\tlimit\tslipway\t%s\t\n", strings.Join(peers, "\t"))
	for _, f := range figures {
		if len(f.Peers) == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%.2f\t%.2f\t", f.Name, f.Unit, f.Baseline, f.Value)
		for _, peer := range peers {
			fmt.Fprintf(table, "%.2f\t", f.Peers[peer])
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
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
