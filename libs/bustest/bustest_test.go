package bustest_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
)

const patience = time.Minute

// stream returns a stream of one message, on disk.
func stream(t *testing.T, conn *nats.Conn) jetstream.Stream {
	t.Helper()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	require.NoError(t, err)
	_, err = js.Publish(t.Context(), "s.1", []byte("one"))
	require.NoError(t, err)
	return s
}

// requireOne asks the broker for the message until it answers.
func requireOne(t *testing.T, s jetstream.Stream) {
	t.Helper()
	require.Eventually(t, func() bool {
		msg, err := s.GetMsg(t.Context(), 1)
		return err == nil && string(msg.Data) == "one"
	}, patience, 10*time.Millisecond)
}

func TestAConnectionSurvivesAGoneBrokerAndFindsWhatWasStored(t *testing.T) {
	variants := map[string]func(*testing.T) (*bustest.Server, *nats.Conn){
		"in process": func(t *testing.T) (*bustest.Server, *nats.Conn) {
			s := bustest.Start(t)
			return s, s.Connect(t)
		},
		"over TCP": func(t *testing.T) (*bustest.Server, *nats.Conn) {
			s := bustest.StartListening(t)
			conn, err := nats.Connect(s.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
			require.NoError(t, err)
			t.Cleanup(conn.Close)
			return s, conn
		},
	}
	for name, variant := range variants {
		t.Run(name, func(t *testing.T) {
			broker, conn := variant(t)
			stored := stream(t, conn)
			requireOne(t, stored)

			changes := conn.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
			broker.Stop()
			require.Equal(t, nats.RECONNECTING, await(t, changes))
			broker.Stop() // does nothing
			broker.Restart()
			require.Equal(t, nats.CONNECTED, await(t, changes))
			requireOne(t, stored)

			broker.Restart() // while it runs
			require.Equal(t, nats.RECONNECTING, await(t, changes))
			requireOne(t, stored)
		})
	}
}

func await(t *testing.T, changes <-chan nats.Status) nats.Status {
	t.Helper()
	select {
	case s := <-changes:
		return s
	case <-time.After(patience):
		require.FailNow(t, "the connection notices nothing")
		return 0
	}
}

func TestAListeningServerKeepsItsPort(t *testing.T) {
	broker := bustest.StartListening(t)
	url := broker.URL()
	broker.Restart()
	require.Equal(t, url, broker.URL())
	require.Regexp(t, `^nats://127\.0\.0\.1:\d+$`, url)

	broker.Stop()
	require.Equal(t, url, broker.URL(), "it is known while the broker is gone")
	_, err := nats.Connect(url)
	require.ErrorIs(t, err, nats.ErrNoServers)
	_, err = nats.Connect("", nats.InProcessServer(broker))
	require.Error(t, err)
}

func TestServersAreApart(t *testing.T) {
	one, two := bustest.Start(t), bustest.Start(t)
	for _, stored := range []jetstream.Stream{stream(t, one.Connect(t)), stream(t, two.Connect(t))} {
		info, err := stored.Info(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, info.State.Msgs)
	}
}

func TestOptionsCanBeChanged(t *testing.T) {
	broker := bustest.Start(t, func(o *server.Options) { o.MaxPayload = 2048 })
	broker.Restart()
	conn := broker.Connect(t, nats.Name("mine"))
	require.EqualValues(t, 2048, conn.MaxPayload())
	require.Equal(t, "mine", conn.Opts.Name)
}

func TestTheServerIsGoneWhenItsTestEnds(t *testing.T) {
	var broker *bustest.Server
	var conn *nats.Conn
	t.Run("inner", func(t *testing.T) {
		broker = bustest.StartListening(t)
		conn = broker.Connect(t)
	})
	require.True(t, conn.IsClosed())
	_, err := broker.InProcessConn()
	require.Error(t, err)
}
