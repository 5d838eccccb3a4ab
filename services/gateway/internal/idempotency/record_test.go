package idempotency

import (
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
)

func open(t *testing.T) *Store {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	s, err := Open(t.Context(), b)
	require.NoError(t, err)
	return s
}

func TestOfManyAttemptsOneBegins(t *testing.T) {
	s := open(t)
	var begun atomic.Pointer[Attempt]
	var count atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			a, err := s.Begin(t.Context(), "key", "print")
			switch {
			case err == nil:
				count.Add(1)
				begun.Store(a)
			case err != ErrInProgress: //nolint:errorlint // it is returned as it is
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, count.Load())
	first := begun.Load()
	require.False(t, first.Resumed)
	require.NoError(t, first.Finish(t.Context(), Answer{Status: 201, Body: []byte("{}")}))

	again, err := s.Begin(t.Context(), "key", "print")
	require.NoError(t, err)
	require.Equal(t, &Answer{Status: 201, Body: []byte("{}")}, again.Answer)
	require.Equal(t, first.Resource, again.Resource)
	_, err = s.Begin(t.Context(), "key", "other")
	require.ErrorIs(t, err, ErrMismatch)
}

func TestAnAttemptThatDiedIsTakenOver(t *testing.T) {
	s := open(t)
	dead, err := s.Begin(t.Context(), "key", "print")
	require.NoError(t, err)
	dead.end() // its lease is not renewed any more
	require.NoError(t, dead.write(t.Context(), func(r *record) { r.Until = time.Now().Add(-time.Second) }))

	next, err := s.Begin(t.Context(), "key", "print")
	require.NoError(t, err)
	require.True(t, next.Resumed)
	require.Equal(t, dead.Resource, next.Resource)
	require.ErrorIs(t, dead.write(t.Context(), func(r *record) { r.Answer = &Answer{Status: 500} }), bus.ErrConflict,
		"the one that was thought dead has nothing to say any more")
	require.NoError(t, next.Leave(t.Context()))

	third, err := s.Begin(t.Context(), "key", "print")
	require.NoError(t, err)
	require.True(t, third.Resumed)
	require.NoError(t, third.Forget(t.Context()))
	fresh, err := s.Begin(t.Context(), "key", "other")
	require.NoError(t, err)
	require.False(t, fresh.Resumed)
	require.NotEqual(t, dead.Resource, fresh.Resource)
	require.NoError(t, fresh.Leave(t.Context()))
}

func TestALeaseIsRenewed(t *testing.T) {
	s := open(t)
	a, err := s.Begin(t.Context(), "key", "print")
	require.NoError(t, err)
	before := a.have.Until
	require.Eventually(t, func() bool {
		now, _, err := s.cells.Get(t.Context(), "key")
		return err == nil && now.Until.After(before)
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, a.Finish(t.Context(), Answer{Status: 200}))
}

func TestWithoutAKeyNothingIsStored(t *testing.T) {
	a := Without()
	require.NotEmpty(t, a.Resource)
	require.NoError(t, a.Finish(t.Context(), Answer{}))
	require.NoError(t, a.Forget(t.Context()))
	require.NoError(t, a.Leave(t.Context()))
}

func TestAFingerprintTellsRequestsApart(t *testing.T) {
	q := url.Values{"a": {"1"}}
	first := Fingerprint("token", "POST", "/x", q, []byte("body"))
	require.Equal(t, first, Fingerprint("token", "POST", "/x", url.Values{"a": {"1"}}, []byte("body")))
	for _, other := range []string{
		Fingerprint("other", "POST", "/x", q, []byte("body")), Fingerprint("token", "PUT", "/x", q, []byte("body")),
		Fingerprint("token", "POST", "/y", q, []byte("body")), Fingerprint("token", "POST", "/x", nil, []byte("body")),
		Fingerprint("token", "POST", "/x", q, []byte("bod")),
	} {
		require.NotEqual(t, first, other)
	}
	require.NotEqual(t, Key("a", "b"), Key("a", "c"))
	require.NotEqual(t, Key("a", "bc"), Key("ab", "c"))
}
