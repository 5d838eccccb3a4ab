package projects_test

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
)

// Two gateways that write the same are one whose write is repeated, since the answer to it was lost.
func TestAWriteWhoseAnswerWasLostIsNoChangeOfSomebodyElse(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	s, err := projects.Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	i, rev, err := s.Create(t.Context(), projects.Item{ID: "one", Kind: projects.Group, Name: "web"})
	require.NoError(t, err)
	describe := func(i projects.Item) (projects.Item, error) {
		i.Description = "new"
		return i, nil
	}
	got, next, err := s.Change(t.Context(), i, rev, func(i projects.Item) (projects.Item, error) {
		_, _, err := s.Change(t.Context(), i, rev, describe)
		require.NoError(t, err)
		return describe(i)
	})
	require.NoError(t, err, "it stands")
	require.Equal(t, "new", got.Description)
	require.Greater(t, next, rev)
}
