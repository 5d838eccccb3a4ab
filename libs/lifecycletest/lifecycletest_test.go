package lifecycletest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
)

func TestAComponentRunsUntilItIsStoppedOrItsTestEnds(t *testing.T) {
	for _, byHand := range []bool{true, false} {
		isReady, ended := false, false
		t.Run("inner", func(t *testing.T) {
			stop := lifecycletest.Start(t, func(ctx context.Context, ready func()) error {
				isReady = true
				ready()
				<-ctx.Done()
				ended = true
				return ctx.Err()
			})
			require.True(t, isReady)
			if byHand {
				stop()
				require.True(t, ended)
				stop()
			}
		})
		require.True(t, ended)
	}
}
