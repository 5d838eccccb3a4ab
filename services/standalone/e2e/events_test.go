package e2e

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// openStreams connects to the broker of an installation, to look at what is stored there.
func openStreams(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

// stored is one message of a stream.
type stored struct {
	seq     uint64
	subject string
	data    []byte
}

// readStream returns everything that the stream holds.
func readStream(t testing.TB, js jetstream.JetStream, name string) []stored {
	t.Helper()
	stream, err := js.Stream(t.Context(), name)
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	if info.State.Msgs == 0 {
		return nil
	}
	consumer, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	require.NoError(t, err)
	messages, err := consumer.Messages()
	require.NoError(t, err)
	defer messages.Stop()
	var all []stored
	for {
		msg, err := messages.Next(jetstream.NextMaxWait(patience))
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		all = append(all, stored{seq: meta.Sequence.Stream, subject: msg.Subject(), data: msg.Data()})
		if meta.Sequence.Stream >= info.State.LastSeq {
			return all
		}
	}
}

// event is one event of EV, decoded.
type event struct {
	seq uint64
	contract.Message
}

// readEvents returns all events in their order.
func readEvents(t testing.TB, js jetstream.JetStream) []event {
	t.Helper()
	var events []event
	for _, raw := range readStream(t, js, contract.StreamEvents) {
		m, err := contract.Decode(raw.data)
		require.NoError(t, err)
		events = append(events, event{raw.seq, m})
	}
	return events
}

// checkStories fails the test unless the events tell, of each deployment and host, a story that ends exactly once, and, of
// each host, one job after the other: no word of a job once the next one has begun, none under a lower token than the last.
func checkStories(t testing.TB, events []event) {
	t.Helper()
	type story struct{ deployment, host string }
	terminal := map[story]int{}
	begun := map[story]bool{}
	type turn struct {
		deployment string
		token      uint64
		ended      bool
	}
	turns := map[string]turn{} // whose turn it is on each host
	for _, e := range events {
		if e.Host == "" {
			continue
		}
		s, now := story{e.Deployment, e.Host}, turns[e.Host]
		begun[s] = true
		_, ended := e.Body.(contract.JobEndedEvent)
		if ended {
			terminal[s]++
		}
		if _, started := e.Body.(contract.JobStartedEvent); started {
			require.True(t, now.deployment == "" || now.ended || now.deployment == e.Deployment,
				"event %d: %s begins on host %s before %s has ended there", e.seq, e.Deployment, e.Host, now.deployment)
			turns[e.Host] = turn{deployment: e.Deployment, token: e.seq}
			continue
		}
		if e.Token == 0 && ended {
			continue // skipped by the scheduler, without a turn
		}
		require.Equal(t, now.deployment, e.Deployment, "event %d, %s: another deployment has the host %s", e.seq, e.Type, e.Host)
		require.Equal(t, now.token, e.Token, "event %d, %s: another attempt has the host %s", e.seq, e.Type, e.Host)
		require.False(t, now.ended, "event %d, %s: %s had ended on %s", e.seq, e.Type, e.Deployment, e.Host)
		now.ended = ended
		turns[e.Host] = now
	}
	for s := range begun {
		require.Equal(t, 1, terminal[s], "terminal events of deployment %s on host %s", s.deployment, s.host)
	}
}

// awaitEmpty waits until no message is left in a stream.
func awaitEmpty(t testing.TB, js jetstream.JetStream, name string) {
	t.Helper()
	eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), name)
		return err == nil && stream.CachedInfo().State.Msgs == 0
	}, "stream %s is never empty", name)
}

// lastSeq is the sequence of the last event.
func lastSeq(t testing.TB, js jetstream.JetStream) uint64 {
	t.Helper()
	stream, err := js.Stream(t.Context(), contract.StreamEvents)
	require.NoError(t, err)
	return stream.CachedInfo().State.LastSeq
}
