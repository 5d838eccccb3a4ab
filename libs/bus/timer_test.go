package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestATimerGoesOffOnceAtTheTimeThatWasSetLast(t *testing.T) {
	_, b := start(t)
	c := consumer(t, b, contract.StreamTimers, contract.TimersFired, patience)
	fired := make(chan string, 10)
	untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, c, 1, func(d *bus.Delivery) {
			fired <- string(d.Data())
			_ = d.Done(t.Context())
		})
	})
	require.NoError(t, b.SetTimer(t.Context(), "a", time.Now().Add(24*time.Hour)))
	require.NoError(t, b.SetTimer(t.Context(), "b", time.Now().Add(-time.Hour)))
	require.Equal(t, "b", receive(t, fired, "what is due goes off at once"))
	at := time.Now().Add(300 * time.Millisecond)
	require.NoError(t, b.SetTimer(t.Context(), "a", at))
	require.Equal(t, "a", receive(t, fired, "the later setting counts"))
	require.False(t, time.Now().Before(at))
	require.NoError(t, b.SetTimer(t.Context(), "a", time.Now()))
	require.Equal(t, "a", receive(t, fired, "it can be set again"))
	require.Empty(t, fired)
}
