package retention

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPoliciesAreReadAsTheyAreConfigured(t *testing.T) {
	projects, err := ParseProjects([]string{"shop max_age=2160h", "ci  max_count=500 max_age=168h", "audit keep"})
	require.NoError(t, err)
	p := Policies{Others: Policy{MaxCount: 9}, Projects: projects}
	require.Equal(t, Policy{MaxAge: 2160 * time.Hour}, p.Of("shop"))
	require.Equal(t, Policy{MaxAge: 168 * time.Hour, MaxCount: 500}, p.Of("ci"))
	require.Equal(t, Policy{}, p.Of("audit"))
	require.Equal(t, Policy{MaxCount: 9}, p.Of("other"))
	require.Equal(t, Policy{MaxCount: 9}, p.Of(""))
	require.False(t, p.KeepAll())
	require.True(t, Policies{Projects: map[string]Policy{"audit": {}}}.KeepAll())
}

func TestAPolicyThatCannotBeReadIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"shop":                       "write \"PROJECT max_age",
		"max_age=1h max_count=1":     "the first word names a project",
		"shop max_age=30d":           "neither a duration",
		"shop max_count=many":        "neither a duration such as 2160h nor a number",
		"shop max_age=30m":           "at least 1h",
		"shop max_count=-1":          "must not be negative",
		"shop max_size=1":            "none of max_age",
		"shop keep max_age=1h":       "none of max_age",
		"shop max_age=0 max_count=0": "said by keep",
	} {
		_, err := ParseProjects([]string{text})
		require.ErrorIs(t, err, ErrPolicy, text)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, text)
	}
	_, err := ParseProjects([]string{"shop keep", "shop max_count=1"})
	require.ErrorIs(t, err, ErrPolicy)
}
