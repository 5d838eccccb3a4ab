package ssh

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// impatient gives a host up after two seconds, for which a loaded machine does not stall.
var impatient = Options{KeepAlive: 200 * time.Millisecond, MaxMissed: 10}

func TestHostThatFreezesInMidTransferIsStalled(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), impatient)
	ended := transfer(t.Context(), t, client)
	h.Freeze()
	err := <-ended
	require.ErrorIs(t, err, ErrStalled)
	require.True(t, IsTransient(err))

	_, err = client.Run(t.Context(), Command{Line: "true"})
	require.ErrorIs(t, err, ErrStalled, "the connection is given up for good")
	h.Thaw()
	open(t, target(h), impatient)
}

func TestIdleConnectionToAFrozenHostIsGivenUp(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), impatient)
	h.Freeze()
	<-client.ended
	_, err := client.Run(t.Context(), Command{Line: "true"})
	require.ErrorIs(t, err, ErrStalled)
}

func TestSilentCommandIsNoStalledHost(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{KeepAlive: 100 * time.Millisecond, MaxMissed: 40})
	// The command neither writes nor reads for longer than the limit, while the connection is full of its input.
	result, err := client.Run(t.Context(), Command{Line: "sleep 5; exit 7", Stdin: endless{}})
	require.NoError(t, err)
	require.Equal(t, 7, result.ExitStatus)
}

func TestKilledSessionsLoseTheConnection(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{})
	ended := transfer(t.Context(), t, client)
	h.KillSessions()
	err := <-ended
	require.ErrorIs(t, err, ErrConnectionLost)
	require.True(t, IsTransient(err))
	open(t, target(h), Options{})
}

func TestStoppedHostLosesTheConnection(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{})
	ended := transfer(t.Context(), t, client)
	h.Stop()
	require.ErrorIs(t, <-ended, ErrConnectionLost)
	_, err := client.Run(t.Context(), Command{Line: "true"})
	require.ErrorIs(t, err, ErrConnectionLost)
}

func TestCloseEndsWhatRuns(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{})
	ended := transfer(t.Context(), t, client)
	require.NoError(t, client.Close())
	require.ErrorIs(t, <-ended, ErrConnectionLost)
	require.NoError(t, client.Close())
}

func TestCloseDoesNotWaitForAFrozenHost(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{KeepAlive: time.Hour})
	ended := transfer(t.Context(), t, client)
	h.Freeze()
	require.NoError(t, client.Close())
	require.ErrorIs(t, <-ended, ErrConnectionLost)
}

func TestCancelledTransferEndsThoughTheHostIsFrozen(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{KeepAlive: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	ended := transfer(ctx, t, client)
	h.Freeze()
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	_, err := client.Run(ctx, Command{Line: "true"})
	require.ErrorIs(t, err, context.Canceled)

	h.Thaw()
	require.Equal(t, "here", stdout(t, client, "echo here"), "the connection lives on")
}

func TestNoLineArrivesAfterRunHasReturned(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{})
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		returned := false // the race detector notices a call after Run, as does the check
		_, err := client.Run(ctx, Command{Line: "yes", Stdout: func(string) {
			if returned {
				t.Error("a line after the end")
			}
			cancel()
		}})
		returned = true
		require.ErrorIs(t, err, context.Canceled)
	}
}

// transfer starts an endless upload and returns when it is under way. The channel gets Run's error.
func transfer(ctx context.Context, t *testing.T, client *Client) <-chan error {
	t.Helper()
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := client.Run(ctx, Command{
			Line: "echo ready; cat >/dev/null", Stdin: endless{}, Stdout: func(string) { close(started) },
		})
		ended <- err
	}()
	<-started
	return ended
}
