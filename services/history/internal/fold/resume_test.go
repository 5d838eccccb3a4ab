package fold

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
)

// TestEventsThatWereGatheredAreMissedBeforeTheyArePlaced is about a broker that loses its
// last events while the position is behind: documents hold them already.
func TestEventsThatWereGatheredAreMissedBeforeTheyArePlaced(t *testing.T) {
	broker := bustest.Start(t)
	var cfg bus.Config
	config.Defaults(&cfg)
	b, err := bus.Open(t.Context(), broker.Connect(t), cfg, zerolog.Nop())
	require.NoError(t, err)
	info, err := events(t.Context(), b)
	require.NoError(t, err)

	f := NewFollower(nil, nil, NewPosition(), true, zerolog.Nop())
	f.installation = installationOf(info)
	require.NoError(t, f.resume(t.Context(), b, func() {}))
	f.gathered([]Entry{{Seq: 1}}, 0)
	require.Zero(t, f.position.Seq())
	require.ErrorIs(t, f.resume(t.Context(), b, func() {}), errCutShort)
}
