package scheduler

import (
	"net/netip"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
)

func load(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	var cfg Config
	err := config.Load(&cfg, "slipway-scheduler", args, nil)
	return cfg, err
}

func TestTheDefaultsAreValid(t *testing.T) {
	cfg, err := load(t)
	require.NoError(t, err)
	_, err = New(cfg, zerolog.Nop())
	require.NoError(t, err)
	require.Equal(t, analysis.Settings{}, cfg.Analysis.settings(), "there is no Prometheus, and nothing private is allowed")
}

func TestSettingsReachTheMeter(t *testing.T) {
	cfg, err := load(t, "--analysis-prometheus=http://10.0.0.9:9090/prometheus", "--analysis-prometheus-token=t0ken-._~+/=", "--analysis-allow=10.1.2.3/8,fd00::/8")
	require.NoError(t, err)
	set := cfg.Analysis.settings()
	require.Equal(t, "http://10.0.0.9:9090/prometheus", set.Server.String())
	require.Equal(t, "t0ken-._~+/=", string(set.Token))
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, set.Allow)
}

func TestEveryMistakeInTheConfigurationIsNamed(t *testing.T) {
	cfg, err := load(t, "--sweep=1ms", "--analysis-prometheus=http://user:secret@10.0.0.9", "--analysis-prometheus-token=secret\nsecret", "--analysis-allow=10.0.0.0/8,x")
	for _, flag := range []string{"--sweep", "--analysis-prometheus:", "credentials", "--analysis-prometheus-token", "--analysis-allow"} {
		require.ErrorContains(t, err, flag)
	}
	require.NotContains(t, err.Error(), "secret")
	_, err = New(cfg, zerolog.Nop())
	require.Error(t, err, "a service that was not loaded checks the same")

	_, err = load(t, "--analysis-prometheus-token=x")
	require.ErrorContains(t, err, "together with analysis.prometheus")
	for _, bad := range []string{"10.0.0.9:9090", "file:///a", "http://a?x=1"} {
		_, err := load(t, "--analysis-prometheus="+bad)
		require.ErrorContains(t, err, "--analysis-prometheus", bad)
	}
}
