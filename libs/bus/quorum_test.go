package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
)

func TestThatTheBrokerHasNoQuorumIsKnownBeforeAnythingIsPublished(t *testing.T) {
	const timeout = time.Second
	watch := func(b *bus.Bus) *bus.Quorum {
		q := b.WatchQuorum()
		require.NoError(t, q.Err())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { q.Run(ctx, timeout); close(ended) }()
		t.Cleanup(func() { cancel(); <-ended })
		return q
	}
	eventually := func(q *bus.Quorum, want string) {
		t.Helper()
		require.Eventually(t, func() bool {
			err := q.Err()
			return want == "" && err == nil || err != nil && err.Error() == want
		}, time.Minute, 10*time.Millisecond, want)
	}
	servers := bustest.StartCluster(t, 3)
	cfg := bus.Config{URL: bustest.URLs(servers), Replicas: 3, Retention: time.Hour}
	open := func(name string) *bus.Bus {
		conn, err := bus.Connect(cfg, name, zerolog.Nop(), nats.ReconnectWait(20*time.Millisecond))
		require.NoError(t, err)
		t.Cleanup(conn.Close)
		b, err := bus.Open(t.Context(), conn, cfg, zerolog.Nop())
		require.NoError(t, err)
		return b
	}
	first := watch(open("first"))
	for range 3 {
		servers[0].Stop()
		servers[1].Stop()
		eventually(first, "the message broker has no quorum")
		servers[0].Restart()
		eventually(first, "")
		servers[1].Restart()
	}
	for _, s := range servers {
		s.Stop()
	}
	eventually(first, "there is no connection to the message broker")
	for _, s := range servers {
		s.Restart()
	}
	eventually(first, "")
}
