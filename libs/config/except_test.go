package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

// part is the configuration of a program of its own.
type part struct {
	Workers int `conf:"workers" default:"4" help:"deployments at once"`
	Cache   struct {
		Dir  string      `conf:"dir" default:"/tmp" help:"where"`
		Size config.Size `conf:"size" default:"1GiB" help:"how much"`
	} `conf:"cache"`
	NATS broker `conf:"nats"`
}

func (p part) Validate() []error {
	return []error{
		config.Invalid("cache.dir", "is bad"), config.Invalid("nats.url", "is bad"), config.Invalid("workers", "is bad"),
	}
}

// whole runs the part within itself.
type whole struct {
	Part part `conf:"part" except:"nats,cache.dir"`
}

func TestExceptedSettingsAreNotSettingsOfTheWhole(t *testing.T) {
	var usage strings.Builder
	require.NoError(t, config.Usage(&usage, new(whole), "prog"))
	require.Contains(t, usage.String(), "--part-workers")
	require.Contains(t, usage.String(), "--part-cache-size")
	require.NotContains(t, usage.String(), "--part-cache-dir")
	require.NotContains(t, usage.String(), "--part-nats")

	require.Contains(t, problems(t, new(whole), []string{"--part-nats-url", "x"}, nil), "unknown flag --part-nats-url")
	file := write(t, "part.yaml", "part:\n  nats:\n    url: x\n")
	require.Contains(t, problems(t, new(whole), []string{"--config", file}, nil),
		"--config ("+file+":2): unknown key \"part.nats\"")
}

func TestExceptedSettingsAreLeftAlone(t *testing.T) {
	cfg := whole{Part: part{NATS: broker{URL: "set before"}}}
	config.Defaults(&cfg)
	require.Equal(t, "set before", cfg.Part.NATS.URL)
	require.Empty(t, cfg.Part.Cache.Dir)
	require.Equal(t, config.GiB, cfg.Part.Cache.Size)
	require.Equal(t, 4, cfg.Part.Workers)
}

func TestMistakesInExceptedSettingsAreNotReported(t *testing.T) {
	cfg := whole{Part: part{NATS: broker{URL: "bad"}}}
	require.Equal(t, []string{"--part-workers: is bad"}, problems(t, &cfg, nil, nil))
}
