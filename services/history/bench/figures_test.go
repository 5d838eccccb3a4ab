//go:build bench

package bench

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	only = flag.String("only", "", "run only the benchmarks whose name contains this")
	out  = flag.String("out", "", "append results to this file, a JSON object a line")
)

func wanted(t *testing.T, name string) {
	t.Helper()
	if *only != "" && !strings.Contains(name, *only) {
		t.Skipf("left out by -only %s", *only)
	}
}

// figure notes one measured quantity.
func figure(t *testing.T, name string, value float64, unit string, baseline float64) {
	t.Helper()
	f := map[string]any{"name": name, "value": value, "unit": unit, "baseline": baseline}
	text := fmt.Sprintf("%-44s %10.0f %s", name, value, unit)
	if baseline > 0 {
		f["ratio"] = value / baseline
		text += fmt.Sprintf("  baseline %.0f, ratio %.2f", baseline, value/baseline)
	}
	fmt.Println(text)
	if *out == "" {
		return
	}
	line, err := json.Marshal(f)
	require.NoError(t, err)
	file, err := os.OpenFile(*out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	_, err = file.Write(append(line, '\n'))
	require.NoError(t, err)
	require.NoError(t, file.Close())
}
