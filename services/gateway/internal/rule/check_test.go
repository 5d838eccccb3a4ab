package rule

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/probe"
)

func TestRulesOfChecks(t *testing.T) {
	long := strings.Repeat("x", 4097)
	for name, c := range map[string]struct {
		rule      func(string) string
		good, bad []string
	}{
		"name":   {CheckName, []string{"a", "error rate"}, []string{"", " a", "a\n", long[:64]}},
		"url":    {URL, []string{"http://a", "https://user:password@a/b?c#d"}, []string{"", "a", "ftp://a", "http://", "http://a/ü\u200b", "http://a/" + long}},
		"check":  {CheckURL, []string{"http://a/health?full=1"}, []string{"", "ftp://a", "http://user@a", "http://user:password@a", "http://a/" + long}},
		"server": {PrometheusURL, []string{"http://a:9090", "https://a/prometheus/"}, []string{"", "a", "http://user@a", "http://a?b", "http://a#b"}},
		"query":  {Query, []string{"up", "sum(\n\trate(x{version=\"{{version}}\"}[1m])\n)"}, []string{"", " ", "up\x00", "{{host}}", long}},
		"expectation": {func(s string) string { _, wrong := Expectation(s); return wrong },
			[]string{"< 0.01", ">=5"}, []string{"", "5", "=< 5", "< five"}},
		"statuses": {func(s string) string { _, wrong := Statuses(s); return wrong },
			[]string{"200", "2xx", "200-204"}, []string{"2", "600", "204-200"}},
		"body":    {BodyText, []string{"ok", `"{{version}}"`}, []string{"", "{{host}}", long}},
		"pattern": {BodyPattern, []string{"^ok$"}, []string{"", "(", long}},
	} {
		for _, s := range c.good {
			require.Empty(t, c.rule(s), "%s %q", name, s)
		}
		for _, s := range c.bad {
			require.NotEmpty(t, c.rule(s), "%s %q", name, s)
		}
	}
}

func TestACheckTakesAMinuteAtMost(t *testing.T) {
	d, wrong := CheckTimeout("60s")
	require.Empty(t, wrong)
	require.Equal(t, probe.MaxTimeout, d)
	for _, s := range []string{"61s", "0s", "soon"} {
		d, wrong := CheckTimeout(s)
		require.NotEmpty(t, wrong)
		require.Zero(t, d)
	}
}
