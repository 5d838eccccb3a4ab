package webhooks_test

import (
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

func open(t *testing.T) *webhooks.Store {
	t.Helper()
	s, err := webhooks.Open(t.Context(), bustest.Start(t).OpenBus(t), zerolog.Nop())
	require.NoError(t, err)
	return s
}

// Two gateways that write the same are one whose write is repeated, since the answer to it was lost.
func TestAWriteWhoseAnswerWasLostIsNoChangeOfSomebodyElse(t *testing.T) {
	s := open(t)
	_, rev, err := s.Create(t.Context(), webhooks.Webhook{ID: "one"})
	require.NoError(t, err)
	describe := func(w webhooks.Webhook) (webhooks.Webhook, error) {
		w.Description = "new"
		return w, nil
	}
	got, next, err := s.Change(t.Context(), "one", rev, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		_, _, err := s.Change(t.Context(), "one", rev, describe)
		require.NoError(t, err)
		return describe(w)
	})
	require.NoError(t, err, "it stands")
	require.Equal(t, "new", got.Description)
	require.Greater(t, next, rev)
}

func TestARequestChangesAWebhookOnce(t *testing.T) {
	s := open(t)
	_, _, err := s.Create(t.Context(), webhooks.Webhook{ID: "one", Secret: "first"})
	require.NoError(t, err)
	rotations := 0
	rotate := func(w webhooks.Webhook) (webhooks.Webhook, error) {
		rotations++
		w.Secret = fmt.Sprint("new ", rotations)
		return w, nil
	}
	got, _, err := s.Change(t.Context(), "one", 0, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		next, err := w.Once("request", rotate)
		if len(w.Requests) == 0 { // it is written, the answer is lost, and before it is repeated somebody else comes
			_, _, err := s.Change(t.Context(), "one", 0, func(webhooks.Webhook) (webhooks.Webhook, error) { return next, nil })
			require.NoError(t, err)
			_, _, err = s.Change(t.Context(), "one", 0, func(w webhooks.Webhook) (webhooks.Webhook, error) {
				w.Description = "new"
				return w, nil
			})
			require.NoError(t, err)
		}
		return next, err
	})
	require.NoError(t, err)
	require.Equal(t, []string{"new 1", "new"}, []string{got.Secret, got.Description})
	require.Equal(t, 1, rotations)

	for n := range 100 {
		got, err = got.Once(fmt.Sprint(n), rotate)
		require.NoError(t, err)
	}
	require.Less(t, len(got.Requests), 20)
	require.True(t, got.Followed("99"))
}
