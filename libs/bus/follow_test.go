package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestFollowGivesWhatIsThereAndWhatComes(t *testing.T) {
	_, b := start(t)
	subject := contract.SystemEventSubject("d1")
	store := func(subject, what string) {
		_, err := b.Publish(t.Context(), subject, "", []byte(what))
		require.NoError(t, err)
	}
	store(subject, "one")
	store(contract.SystemEventSubject("d2"), "other")
	store(subject, "three")
	got, enough := make(chan bus.Stored, 10), errors.New("enough")
	untilEnd(t, func(ctx context.Context) {
		err := b.Follow(ctx, contract.StreamEvents, []string{subject}, 1, func(s bus.Stored) error {
			got <- s
			if string(s.Data) == "four" {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("it ended with %v", err)
		}
	})
	require.Equal(t, uint64(3), receive(t, got, "what comes after the first").Seq)
	store(subject, "four")
	s := receive(t, got, "what comes")
	require.Equal(t, uint64(4), s.Seq)
	require.Equal(t, subject, s.Subject)
	require.Eventually(t, func() bool {
		info, err := b.Events().Info(t.Context())
		return err == nil && info.State.Consumers == 0
	}, patience, 10*time.Millisecond, "a reader leaves nothing behind")
}

func TestFollowEndsWithItsConnection(t *testing.T) {
	broker, b := start(t)
	ended := make(chan error, 1)
	store := func() {
		_, err := b.Publish(t.Context(), contract.SystemEventSubject("d1"), "", []byte("x"))
		require.NoError(t, err)
	}
	store()
	got := make(chan bus.Stored, 1)
	go func() {
		ended <- b.Follow(t.Context(), contract.StreamEvents, []string{contract.EventsAll}, 0, func(s bus.Stored) error {
			got <- s
			return nil
		})
	}()
	receive(t, got, "the first")
	broker.Restart()
	require.ErrorIs(t, receive(t, ended, "the end"), bus.ErrUnavailable)
}
