package source

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	r := Retry{Tries: 3, Pause: time.Millisecond}
	for _, c := range []struct {
		fail  error
		tries int
	}{{ErrUnreachable, 3}, {ErrDenied, 1}, {ErrGone, 1}, {errors.New("other"), 1}} {
		tries := 0
		err := r.Do(t.Context(), func(context.Context) (bool, error) { tries++; return false, c.fail })
		require.ErrorIs(t, err, c.fail)
		require.Equal(t, c.tries, tries, c.fail)
	}
}

func TestATryThatCameFurtherIsFollowedByAsManyAgain(t *testing.T) {
	tries := 0
	err := Retry{Tries: 2, Pause: time.Millisecond}.Do(t.Context(), func(context.Context) (bool, error) {
		tries++
		if tries == 7 {
			return true, nil
		}
		return true, ErrUnreachable
	})
	require.NoError(t, err)
	require.Equal(t, 7, tries)
}

func TestRetryingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := Retry{Tries: 3, Pause: time.Hour}.Do(ctx, func(context.Context) (bool, error) { cancel(); return false, ErrUnreachable })
	require.ErrorIs(t, err, context.Canceled)
}

func TestPausesGrowToABoundAndHeedTheSource(t *testing.T) {
	r := Retry{Pause: time.Second}
	for failed, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 60: maxPause} {
		require.LessOrEqual(t, r.wait(failed, ErrUnreachable), most)
		require.GreaterOrEqual(t, r.wait(failed, ErrUnreachable), most/2)
	}
	require.Equal(t, 9*time.Second, r.wait(1, Later{ErrUnreachable, 9 * time.Second}))
	require.Equal(t, maxPause, r.wait(1, Later{ErrUnreachable, time.Hour}))
	require.Zero(t, Retry{}.wait(1, ErrUnreachable))
}
