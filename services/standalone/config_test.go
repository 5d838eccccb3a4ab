package standalone

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/scheduler"
)

func TestTheDataDirectoryIsWhereUsersKeepData(t *testing.T) {
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	for name, c := range map[string]struct{ given, xdg, want string }{
		"given":          {"/srv/slipway", "/xdg", "/srv/slipway"},
		"by XDG":         {"", "/xdg", "/xdg/slipway"},
		"by a wrong XDG": {"", "xdg", filepath.Join(home, ".local/share/slipway")},
		"below the home": {"", "", filepath.Join(home, ".local/share/slipway")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", c.xdg)
			cfg := Config{Data: c.given}
			dir, err := cfg.dataDir()
			require.NoError(t, err)
			require.Equal(t, c.want, dir)
		})
	}
}

func TestMistakesInAllPartsAreReportedAtOnce(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "")
	err := config.Load(new(Config), "test", []string{
		"--nats-listen", "0.0.0.0:4222", "--nats-retention", "1s",
		"--gateway-listen", "8080", "--gateway-limits-max-json", "1B",
		"--scheduler-sweep", "1ms", "--scheduler-analysis-allow", "x", "--executor-slots", "0", "--history-retention-max-age", "1h",
		"--gateway-nats-url", "nats://elsewhere",
	}, nil)
	var invalid *config.InvalidError
	require.ErrorAs(t, err, &invalid)
	for _, want := range []string{
		"--data: must be given",
		"--nats-*: broker configuration: listen",
		"--nats-retention: must be at least 1h",
		"--gateway-listen: ", "--gateway-limits-max-json: ",
		"--scheduler-sweep: ", "--scheduler-analysis-allow: ", "--executor-slots: ",
		"--history-archive-directory: this, or archive.s3, must say where",
		"unknown flag --gateway-nats-url", // what follows from being in one process cannot be set
	} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, invalid.Problems, 10, "%v", err)
}

func TestSettingsReachTheParts(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "/run/agent")
	var cfg Config
	require.NoError(t, config.Load(&cfg, "test", []string{
		"--data", "/d", "--nats-user", "u", "--nats-password", "p", "--nats-retention", "2h", "--nats-sync-always=false",
		"--scheduler-sweep", "7s", "--scheduler-analysis-prometheus", "http://127.0.0.1:9090", "--scheduler-analysis-prometheus-token", "t",
		"--executor-slots", "5", "--gateway-listen", "127.0.0.1:1",
		"--history-retention-max-age", "48h", "--history-archive-directory", "/a",
	}, nil))
	key, err := seal.GenerateKey()
	require.NoError(t, err)

	b := cfg.NATS.brokerConfig("/d", zerolog.Nop())
	require.Equal(t, "/d/nats", b.Dir)
	require.Equal(t, []string{"u", "p"}, []string{b.User, b.Password})
	require.False(t, b.SyncAlways)

	e := cfg.executorConfig("/d", seal.KeysOf(key))
	require.Equal(t, 5, e.Slots)
	require.Equal(t, "/d/cache", e.Cache.Dir)
	require.Equal(t, "/run/agent", e.SSH.Agent)
	require.Equal(t, key.Reveal(), string(e.Seal.PrivateKey))
	require.Equal(t, 2*time.Hour, e.NATS.Retention)

	s := cfg.schedulerConfig()
	require.Equal(t, 7*time.Second, s.Sweep)
	require.Equal(t, scheduler.AnalysisConfig{Prometheus: "http://127.0.0.1:9090", PrometheusToken: "t"}, s.Analysis)
	require.Equal(t, e.NATS, s.NATS)

	other, err := seal.GenerateKey()
	require.NoError(t, err)
	g := cfg.gatewayConfig(keys{seal.KeysOf(key), seal.KeysOf(other)})
	require.Equal(t, "127.0.0.1:1", g.Listen)
	require.Equal(t, key.Public().String(), g.SealPublicKey)
	require.Equal(t, other.Reveal(), string(g.Webhooks.PrivateKey), "a gateway cannot open credentials")
	require.Equal(t, e.NATS, g.NATS)

	h := cfg.historyConfig("mongodb://x")
	require.True(t, h.Store.SingleWriter)
	require.Equal(t, 48*time.Hour, h.Retention.MaxAge)
	require.Equal(t, "/a", h.Archive.Directory)
	require.Equal(t, e.NATS, h.NATS)
}

func TestAGivenAgentWinsOverThatOfTheEnvironment(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "/run/agent")
	var cfg Config
	require.NoError(t, config.Load(&cfg, "test", []string{"--data", "/d", "--executor-ssh-agent", "/run/other"}, nil))
	require.Equal(t, "/run/other", cfg.executorConfig("/d", seal.Keys{}).SSH.Agent)
}

func TestTheAnnouncedAddressIsOneToConnectTo(t *testing.T) {
	var plain, secure Service
	secure.cfg.Gateway.TLS.Cert = "cert.pem"
	for addr, want := range map[string]string{
		"127.0.0.1:8080":  "127.0.0.1:8080",
		"0.0.0.0:8080":    "127.0.0.1:8080",
		"[::]:8080":       "127.0.0.1:8080",
		"[2001:db8::1]:1": "[2001:db8::1]:1",
	} {
		require.Equal(t, "http://"+want, plain.urlOf(addr))
		require.Equal(t, "https://"+want, secure.urlOf(addr))
	}
}
