package query

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

func TestAnEventThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{position: fold.NewPosition()}
		require.NoError(t, s.await(t.Context(), 0))
		err := s.await(t.Context(), 5)
		require.ErrorIs(t, err, errBehind)
		require.Equal(t, contract.Refused{
			Code: contract.RefusedUnavailable, Message: "history has not seen that event yet, ask again: it stands at 0, not yet at 5",
		}, refuse(err))
	})
}
