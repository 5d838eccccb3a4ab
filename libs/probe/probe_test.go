package probe

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnExpectationComparesWithANumber(t *testing.T) {
	for text, c := range map[string]struct{ holds, fails []float64 }{
		"< 0.01":  {[]float64{0, 0.0099, -1, math.Inf(-1)}, []float64{0.01, 1, math.Inf(1), math.NaN()}},
		"<= 0.01": {[]float64{0.01, 0}, []float64{0.011, math.NaN()}},
		"> -2":    {[]float64{-1.9, math.Inf(1)}, []float64{-2, -3, math.NaN()}},
		">= 2":    {[]float64{2, 3}, []float64{1.999, math.NaN()}},
		"== 1":    {[]float64{1}, []float64{0, 1.5, math.NaN()}},
		"!= 0":    {[]float64{1, -1, math.Inf(1)}, []float64{0, math.Copysign(0, -1), math.NaN()}},
		"<1e3":    {[]float64{999}, []float64{1000}},
		">   1.5": {[]float64{2}, []float64{1.5}},
	} {
		e, err := ParseExpectation(text)
		require.NoError(t, err, text)
		for _, v := range c.holds {
			require.True(t, e.Holds(v), "%v %s", v, text)
		}
		for _, v := range c.fails {
			require.False(t, e.Holds(v), "%v %s", v, text)
		}
	}
	for _, bad := range []string{
		"", "0.01", "<", "< ", "<> 1", "=1", "= 1", "< a", "< NaN", "< Inf", "< 0x10", "< 1_000", "< 1,5", "< .5", "< 1.",
		"< 1e999", " < 1", "< 1 ", "< 1\n", "<\t1", "!< 1", "< 1 and > 0",
	} {
		_, err := ParseExpectation(bad)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
	require.False(t, Expectation{}.Holds(0), "what was not parsed expects nothing")
}

func TestAnExpectationHasOneForm(t *testing.T) {
	for text, want := range map[string]string{"<0.010": "< 0.01", ">=  +5": ">= 5", "== 1e3": "== 1000", "!= -0.5": "!= -0.5"} {
		e, err := ParseExpectation(text)
		require.NoError(t, err)
		require.Equal(t, want, e.String())
		again, err := ParseExpectation(want)
		require.NoError(t, err)
		require.Equal(t, e, again)
	}
}

func TestStatusesAreACodeAClassOrARange(t *testing.T) {
	for text, c := range map[string]struct {
		form    string
		in, out []int
	}{
		"":        {"200-299", []int{200, 204, 299}, []int{199, 300, 500}},
		"2xx":     {"200-299", []int{200, 299}, []int{199, 300}},
		"5xx":     {"500-599", []int{500, 599}, []int{499, 600}},
		"200":     {"200", []int{200}, []int{199, 201}},
		"200-204": {"200-204", []int{200, 204}, []int{205}},
		"404-404": {"404", []int{404}, []int{403, 405}},
	} {
		s, err := ParseStatuses(text)
		require.NoError(t, err, text)
		require.Equal(t, c.form, s.String())
		for _, code := range c.in {
			require.True(t, s.Has(code), "%d in %s", code, text)
		}
		for _, code := range c.out {
			require.False(t, s.Has(code), "%d in %s", code, text)
		}
	}
	for _, bad := range []string{"2", "20", "2000", "600", "099", "0xx", "6xx", "2XX", "xx", "200-", "-200", "299-200", "200-2xx", "200,204", " 200", "200 - 204", "200\n"} {
		_, err := ParseStatuses(bad)
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
}

func TestPlaceholdersStandForTheDeployment(t *testing.T) {
	s := Subject{Deployment: "d1", Application: "shop", Version: `1"'` + "`\\\n{{version}}"}
	require.Equal(t, "d1 shop d1 {{other}}", s.InText("{{deployment}} {{application}} {{deployment}} {{other}}"))
	require.Equal(t, `up{version="1\x22\x27\x60\x5c\x0a{{version}}"}`, s.InQuery(`up{version="{{version}}"}`), "what is put in is not looked at again")

	require.True(t, NamesVersion(`up{v="{{version}}"}`))
	require.False(t, NamesVersion("{{deployment}} {{application}} version"))
	for _, good := range []string{"", "up", `{{deployment}}{{application}}{{version}}`, `up{a=~"x{2}"}`, "{ {x} }"} {
		require.NoError(t, CheckPlaceholders(good))
	}
	for _, bad := range []string{"{{host}}", "{{}}", "{{ version }}", "{{Version}}", "{{version}} {{versions}}"} {
		require.ErrorIs(t, CheckPlaceholders(bad), ErrInvalid, bad)
	}
}

func TestTheWorstVerdictCounts(t *testing.T) {
	for _, a := range Verdicts() {
		require.Equal(t, a, a.And(Pass))
		require.Equal(t, Fail, Fail.And(a))
		for _, b := range Verdicts() {
			require.Equal(t, a.And(b), b.And(a))
		}
	}
	require.Equal(t, Inconclusive, Pass.And(Inconclusive))
}

func TestURLsOfChecksHoldNoCredentials(t *testing.T) {
	for _, good := range []string{"http://a/health?full=1#x", "https://a"} {
		_, err := ParseURL(good)
		require.NoError(t, err, good)
	}
	for _, secret := range []string{"http://secret@a", "http://user:secret@a", "http://:secret@a/"} {
		_, err := ParseURL(secret)
		require.ErrorIs(t, err, ErrCredentials)
		require.ErrorIs(t, err, ErrInvalid)
		require.NotContains(t, err.Error(), "secret")
	}
	for _, bad := range []string{"", "a", "ftp://a", "http://a:x", "http://a/" + strings.Repeat("x", MaxURL)} {
		_, err := ParseURL(bad)
		require.ErrorIs(t, err, ErrInvalid)
	}
	for _, good := range []string{"http://a", "http://a:9090/", "https://a/prometheus"} {
		_, err := ParseServer(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"http://a?", "http://a?x=1", "http://a/#x"} {
		_, err := ParseServer(bad)
		require.ErrorIs(t, err, ErrQuery)
	}
	_, err := ParseServer("http://secret@a")
	require.ErrorIs(t, err, ErrCredentials)
}

func TestWhatIsLookedForIsBounded(t *testing.T) {
	for _, good := range []string{"up", "sum(\n\trate(x[1m])\n)", `up{a="ü"}`, strings.Repeat("x", MaxQuery)} {
		require.NoError(t, CheckQuery(good))
	}
	for _, bad := range []string{"", " \n", "up\x00", "up\x7f", "\xff", "{{host}}", strings.Repeat("x", MaxQuery+1)} {
		require.ErrorIs(t, CheckQuery(bad), ErrInvalid, "%q", bad)
	}
	require.NoError(t, CheckBody(`"version":"{{version}}"`))
	require.ErrorIs(t, CheckBody("{{host}}"), ErrInvalid)
	require.ErrorIs(t, CheckBody(strings.Repeat("x", MaxPattern+1)), ErrInvalid)
	_, err := ParsePattern(`(?m)^ok$`)
	require.NoError(t, err)
	for _, bad := range []string{"(", `\1`, "(?=x)", "x{1001}", strings.Repeat("x", MaxPattern+1)} {
		_, err := ParsePattern(bad)
		require.ErrorIs(t, err, ErrInvalid, bad)
	}
}
