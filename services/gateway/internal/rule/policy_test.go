package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAnAmountIsANumberOrAShare(t *testing.T) {
	for text, want := range map[string]deploy.Amount{
		"1": {Count: 1}, "10000": {Count: 10_000}, "25%": {Percent: 25}, "100%": {Percent: 100},
	} {
		a, wrong := Amount(text, 1)
		require.Empty(t, wrong, text)
		require.Equal(t, want, a)
		require.Equal(t, text, a.String())
	}
	for _, text := range []string{"", "0", "0%", "-1", "01", "+1", "1.5", "1e3", "10001", "101%", "1 %", "%", "half"} {
		_, wrong := Amount(text, 1)
		require.NotEmpty(t, wrong, text)
	}
	for _, none := range []string{"0", "0%"} {
		a, wrong := Amount(none, 0)
		require.Empty(t, wrong)
		require.Zero(t, a)
	}
}

func TestADurationIsPositiveAndBounded(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1m30s": 90 * time.Second, "1.5h": 90 * time.Minute, "720h": MaxDuration, "1ms": time.Millisecond,
	} {
		d, wrong := Duration(text)
		require.Empty(t, wrong, text)
		require.Equal(t, want, d)
	}
	for _, text := range []string{"", "0", "0s", "-1s", "+1s", "30", "1d", "721h", "0.1ms", "1us", "999999999999h", "soon", ".5s"} {
		_, wrong := Duration(text)
		require.NotEmpty(t, wrong, text)
	}
}
