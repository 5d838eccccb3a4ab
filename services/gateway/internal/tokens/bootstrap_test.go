package tokens

import (
	"context"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

func open(t *testing.T) (*bus.Bus, *Store, *bus.Cells[Token], *bus.Cells[bootstrap]) {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	s, err := Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	tokens, err := bus.OpenCells[Token](t.Context(), b, contract.BucketTokens)
	require.NoError(t, err)
	marks, err := bus.OpenCells[bootstrap](t.Context(), b, contract.BucketTokens)
	require.NoError(t, err)
	return b, s, tokens, marks
}

func (s *Store) admits(t *testing.T, secret string) bool {
	t.Helper()
	require.NoError(t, s.Refresh(t.Context()))
	_, err := s.Identify(t.Context(), secret)
	if err != nil {
		require.ErrorIs(t, err, access.ErrUnknown)
	}
	return err == nil
}

func TestTheOldTokenIsRevokedBeforeTheMarkMoves(t *testing.T) {
	b, s, _, marks := open(t)
	old, err := Bootstrap(t.Context(), b)
	require.NoError(t, err)
	require.True(t, s.admits(t, old))
	secret, err := Replace(t.Context(), b)
	require.NoError(t, err)
	require.True(t, s.admits(t, secret))
	require.False(t, s.admits(t, old))

	_, moved, err := marks.Get(t.Context(), bootstrapKey)
	require.NoError(t, err)
	stream, err := b.JetStream().Stream(t.Context(), "KV_"+contract.BucketTokens)
	require.NoError(t, err)
	revoked, err := stream.GetLastMsgForSubject(t.Context(), "$KV."+contract.BucketTokens+"."+hash(old))
	require.NoError(t, err)
	require.Less(t, revoked.Sequence, moved)
}

func TestAReplacementThatDiedIsHealedByTheNext(t *testing.T) {
	for name, revoked := range map[string]bool{"before the old one was revoked": false, "before the mark was moved": true} {
		t.Run(name, func(t *testing.T) {
			b, s, tokens, _ := open(t)
			old, err := Bootstrap(t.Context(), b)
			require.NoError(t, err)
			_, err = tokens.Put(t.Context(), hash(generate()), newToken(bootstrapName))
			require.NoError(t, err)
			if revoked {
				require.NoError(t, revoke(t.Context(), tokens, hash(old)))
			}
			secret, err := Replace(t.Context(), b)
			require.NoError(t, err)
			require.True(t, s.admits(t, secret))
			require.False(t, s.admits(t, old))
		})
	}
}

func TestASecretIsReturnedOnlyIfItIsValid(t *testing.T) {
	_, s, tokens, marks := open(t)
	settled := func(mark bootstrap, secret string, cause error) (string, error) {
		_, err := tokens.Put(t.Context(), hash(secret), newToken(bootstrapName))
		require.NoError(t, err)
		_, err = marks.Put(t.Context(), bootstrapKey, mark)
		require.NoError(t, err)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		return settle(ended, tokens, marks, bootstrap{Token: hash(secret)}, secret, cause)
	}
	mine := generate()
	got, err := settled(bootstrap{Token: hash(mine)}, mine, bus.ErrUnavailable)
	require.NoError(t, err, "the mark was moved, and the answer lost")
	require.Equal(t, mine, got)
	require.True(t, s.admits(t, mine))

	lost := generate()
	got, err = settled(bootstrap{Token: hash(mine)}, lost, bus.ErrUnavailable)
	require.ErrorIs(t, err, bus.ErrUnavailable)
	require.Empty(t, got)
	require.False(t, s.admits(t, lost))
}
