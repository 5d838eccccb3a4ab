package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

func TestUsageListsEverySettingWithItsNamesAndDefault(t *testing.T) {
	var target struct {
		AckWait config.Size `conf:"ack_wait" default:"6MiB" help:"how much to wait for"`
		NATS    broker      `conf:"nats"`
	}
	var b strings.Builder
	require.NoError(t, config.Usage(&b, &target, "slipway-test"))
	require.Equal(t, `Usage: slipway-test [--setting value ...]

A setting is given as a flag, as an environment variable, or in the YAML file
that --config names; the first of these that has it wins.

  --config text
        YAML file with settings
        env SLIPWAY_CONFIG
  --ack-wait size
        how much to wait for
        env SLIPWAY_ACK_WAIT, file ack_wait, default 6MiB
  --nats-url text
        URL of the broker
        env SLIPWAY_NATS_URL, file nats.url, default nats://127.0.0.1:4222
  --nats-token secret
        token for the broker
        env SLIPWAY_NATS_TOKEN, file nats.token
        kept in a file of its own: --nats-token-file, env SLIPWAY_NATS_TOKEN_FILE, file nats.token_file
  --help
        print this text and exit
`, b.String())
	require.Zero(t, target, "printing sets nothing")
}

func TestHelpIsAskedForBeforeAnythingIsSet(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"--workers=x", "--no", "--help"}} {
		var cfg settings
		require.ErrorIs(t, config.Load(&cfg, "prog", args, nil), config.ErrHelp)
		require.Zero(t, cfg)
	}
}
