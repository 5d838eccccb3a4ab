package broker_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
)

// patience bounds every wait for something that is certain to come.
const patience = time.Minute

// start runs a broker until the test ends or stop is called.
func start(t *testing.T, cfg broker.Config) (b *broker.Broker, stop func()) {
	t.Helper()
	b, err := broker.New(cfg)
	require.NoError(t, err)
	return b, lifecycletest.Start(t, b.Run)
}

func connect(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url, opts...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}

func makeStream(t *testing.T, js jetstream.JetStream, messages int) {
	t.Helper()
	_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "EV", Subjects: []string{"ev.>"}})
	require.NoError(t, err)
	for range messages {
		_, err := js.Publish(t.Context(), "ev.x", []byte("a message of some length, to be found again in the file"))
		require.NoError(t, err)
	}
}

func countMessages(t *testing.T, js jetstream.JetStream) uint64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), "EV")
	require.NoError(t, err)
	return stream.CachedInfo().State.Msgs
}

func TestMessagesOutliveARestart(t *testing.T) {
	for name, syncAlways := range map[string]bool{"default": false, "sync always": true} {
		t.Run(name, func(t *testing.T) {
			cfg := broker.Config{Dir: t.TempDir(), SyncAlways: syncAlways}
			b, stop := start(t, cfg)
			makeStream(t, connect(t, "", b.ClientOptions()...), 10)
			stop()

			b, _ = start(t, cfg)
			require.EqualValues(t, 10, countMessages(t, connect(t, "", b.ClientOptions()...)))
		})
	}
}

func TestClientOfThisProcessFindsTheBrokerWhenItComes(t *testing.T) {
	b, err := broker.New(broker.Config{Dir: t.TempDir()})
	require.NoError(t, err)
	_, err = nats.Connect("", b.ClientOptions()...)
	require.ErrorIs(t, err, broker.ErrNotRunning)

	connected := make(chan struct{})
	conn, err := nats.Connect("", append(b.ClientOptions(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(10*time.Millisecond), nats.ConnectHandler(func(*nats.Conn) { close(connected) }))...)
	require.NoError(t, err)
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx, func() {}) }()
	select {
	case <-connected:
	case <-time.After(patience):
		t.Error("not connected")
	}
	cancel()
	require.NoError(t, <-ended)
	_, err = b.InProcessConn()
	require.ErrorIs(t, err, broker.ErrNotRunning)
}

func TestCredentialsAreRequiredOfEveryClient(t *testing.T) {
	b, _ := start(t, broker.Config{Dir: t.TempDir(), Listen: "0.0.0.0:0", User: "u", Password: "p"})
	_, port, err := net.SplitHostPort(b.URL()[len("nats://"):])
	require.NoError(t, err)
	url := "nats://127.0.0.1:" + port

	_, err = nats.Connect(url)
	require.ErrorIs(t, err, nats.ErrAuthorization)
	_, err = nats.Connect(url, nats.UserInfo("u", "guess"))
	require.ErrorIs(t, err, nats.ErrAuthorization)

	makeStream(t, connect(t, url, nats.UserInfo("u", "p")), 1)
	require.EqualValues(t, 1, countMessages(t, connect(t, "", b.ClientOptions()...)))
}

func TestLoopbackNeedsNoCredentials(t *testing.T) {
	b, _ := start(t, broker.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	makeStream(t, connect(t, b.URL()), 1)
}
