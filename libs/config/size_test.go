package config_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
)

func TestSizesAreReadInBytesAndInBothKindsOfUnit(t *testing.T) {
	cases := map[string]config.Size{
		"0": 0, "500000": 500000, "12B": 12, "1kB": 1000, "3MB": 3e6, "2GB": 2e9, "1TB": 1e12,
		"1KiB": 1024, "64MiB": 64 << 20, "5GiB": 5 << 30, "1TiB": 1 << 40, " 64 mib ": 64 << 20, //nolint:gocritic // the spaces are meant
		"9223372036854775807": math.MaxInt64,
	}
	for text, want := range cases {
		got, err := config.ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := config.ParseSize(got.String())
		require.NoError(t, err, text)
		require.Equal(t, got, again, text)
	}
	require.Equal(t, "64MiB", (64 * config.MiB).String())
}

func TestWhatIsNoSizeIsRefused(t *testing.T) {
	for _, text := range []string{"", "MiB", "-1", "+1", "1.5GiB", "64M", "64 apples", "9223372036854775808", "9000000TiB", "8388608TiB"} {
		_, err := config.ParseSize(text)
		require.Error(t, err, text)
	}
}
