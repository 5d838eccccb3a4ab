package tokens

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

func (s *Store) make(t *testing.T, id string, change ...func(*Token)) string {
	t.Helper()
	token := Token{ID: id, Name: "ci", Grants: access.Grants{{Role: access.Viewer}}, CreatedAt: time.Now()}
	for _, c := range change {
		c(&token)
	}
	_, secret, err := s.Create(t.Context(), token)
	require.NoError(t, err)
	return secret
}

func until(at time.Time) func(*Token) { return func(t *Token) { t.ExpiresAt = &at } }

func TestATokenCountsUntilItExpires(t *testing.T) {
	_, s, _, _ := open(t)
	who, err := s.Identify(t.Context(), s.make(t, "a", until(time.Now().Add(time.Hour))))
	require.NoError(t, err)
	require.Equal(t, access.Machine, who.Kind)
	require.Equal(t, access.Grants{{Role: access.Viewer}}, who.Grants)
	_, err = s.Identify(t.Context(), s.make(t, "b", until(time.Now())))
	require.ErrorIs(t, err, access.ErrExpired)
}

func TestAnIDIsOneTokenAndItsLastOne(t *testing.T) {
	_, s, tokens, _ := open(t)
	lost, kept := s.make(t, "a"), s.make(t, "a")
	require.False(t, s.admits(t, lost))
	require.True(t, s.admits(t, kept))
	keys, err := tokens.Keys(t.Context(), ">")
	require.NoError(t, err)
	require.Equal(t, []string{hash(kept)}, keys)
}

func TestWhatIsRevokedHereIsRefusedHereAtOnce(t *testing.T) {
	_, s, _, _ := open(t)
	secret := s.make(t, "a")
	require.True(t, s.admits(t, secret))
	require.NoError(t, s.Revoke(t.Context(), "a"))
	_, err := s.Identify(t.Context(), secret)
	require.ErrorIs(t, err, access.ErrUnknown)
	require.ErrorIs(t, s.Revoke(t.Context(), "a"), ErrNotFound)
	require.ErrorIs(t, s.Revoke(t.Context(), ""), ErrNotFound)
	require.False(t, s.Knows(secret))
}

func TestATokenOfBeforeThereWereGrantsStillCounts(t *testing.T) {
	_, s, tokens, _ := open(t)
	_, err := tokens.Put(t.Context(), hash("slw_old"), Token{ID: "old", Name: "bootstrap", Role: "admin"})
	require.NoError(t, err)
	_, err = tokens.Put(t.Context(), hash("slw_guest"), Token{ID: "guest", Name: "guest", Role: "guest"})
	require.NoError(t, err)
	who, err := s.Identify(t.Context(), "slw_old")
	require.NoError(t, err)
	require.Equal(t, access.Grants{{Role: access.Administrator}}, who.Grants)
	who, err = s.Identify(t.Context(), "slw_guest")
	require.NoError(t, err)
	require.Empty(t, who.Grants)
}

func TestTokensThatExpiredLongAgoAreSwept(t *testing.T) {
	_, s, tokens, marks := open(t)
	now := time.Now()
	kept := []string{s.make(t, "a"), s.make(t, "b", until(now.Add(time.Hour))), s.make(t, "c", until(now.Add(-time.Hour)))}
	s.make(t, "d", until(now.Add(-keepExpired-time.Minute)))
	_, err := marks.Put(t.Context(), bootstrapKey, bootstrap{hash(kept[0])})
	require.NoError(t, err)
	require.NoError(t, s.Sweep(t.Context()))
	keys, err := tokens.Keys(t.Context(), ">")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{bootstrapKey, hash(kept[0]), hash(kept[1]), hash(kept[2])}, keys)
}

func TestUsesAreWrittenOnceAMinuteAndNeverBringATokenBack(t *testing.T) {
	b, s, tokens, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { s.KeepUses(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })

	secret := s.make(t, "a")
	for range 5 {
		require.True(t, s.admits(t, secret))
	}
	require.Eventually(t, func() bool {
		got, err := s.Get(t.Context(), "a")
		require.NoError(t, err)
		return got.UsedAt != nil && time.Since(*got.UsedAt) < time.Minute
	}, time.Minute, 5*time.Millisecond)
	for range 5 {
		require.True(t, s.admits(t, secret))
	}
	_, rev, err := tokens.Get(t.Context(), hash(secret))
	require.NoError(t, err)
	stream, err := b.JetStream().Stream(t.Context(), "KV_"+contract.BucketTokens)
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, rev, info.State.LastSeq)
	require.EqualValues(t, 2, rev, "made, and seen once")

	require.NoError(t, s.Revoke(t.Context(), "a"))
	require.NoError(t, s.used(t.Context(), hash(secret), time.Now()))
	require.False(t, s.admits(t, secret))
}

func TestAUseIsNotedOnceAMinute(t *testing.T) {
	u := newUses(zerolog.Nop())
	now := time.Now()
	u.note("a", Token{}, now)
	u.note("a", Token{}, now.Add(time.Second))
	require.Equal(t, map[string]time.Time{"a": now}, u.take(now))
	u.note("a", Token{}, now.Add(2*time.Second))
	require.Empty(t, u.take(now))
	u.note("a", Token{}, now.Add(useEvery))
	require.Len(t, u.take(now.Add(useEvery)), 1)
	earlier := now.Add(-time.Second)
	u.note("b", Token{UsedAt: &earlier}, now)
	require.Empty(t, u.take(now))
	u.take(now.Add(3 * useEvery))
	require.Empty(t, u.noted, "what is old is forgotten")
}
