package courier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

func TestTheSecretBeforeIsSignedWithUntilItsTimeIsOver(t *testing.T) {
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	s := newSender(Config{Keys: seal.KeysOf(key)})
	sealed := func(w webhooks.Webhook, secret string) (string, []byte) {
		text, err := w.Seal(key.Public(), secret)
		require.NoError(t, err)
		clear, err := webhooks.ParseSecret(secret)
		require.NoError(t, err)
		return text, clear
	}
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := webhooks.Webhook{ID: "w1", Previous: &webhooks.Previous{Until: until}}
	var now, before []byte
	w.Secret, now = sealed(w, webhooks.NewSecret())
	w.Previous.Secret, before = sealed(w, webhooks.NewSecret())
	for _, c := range []struct {
		at   time.Time
		want [][]byte
	}{
		{until.Add(-time.Nanosecond), [][]byte{now, before}},
		{until, [][]byte{now}},
		{until.Add(time.Hour), [][]byte{now}},
	} {
		got, err := s.signingKeys(w, c.at)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.at)
	}
}
