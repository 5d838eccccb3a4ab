package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/standalone/chaos"
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

// lookEvery is how long a stream may be silent before it is looked whether anything is left to read.
const lookEvery = time.Second

// readStream returns everything that the stream holds. What is removed meanwhile may be missing.
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
	read, heard := uint64(0), time.Now()
	for read < info.State.LastSeq {
		msg, err := messages.Next(jetstream.NextMaxWait(lookEvery))
		if errors.Is(err, nats.ErrTimeout) && time.Since(heard) < patience {
			next, err := stream.GetMsg(t.Context(), read+1, jetstream.WithGetMsgSubject(">"))
			if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && next.Sequence > info.State.LastSeq {
				break // the last of what there was is gone
			}
			require.NoError(t, err)
			continue
		}
		require.NoError(t, err)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		read, heard = meta.Sequence.Stream, time.Now()
		all = append(all, stored{seq: read, subject: msg.Subject(), data: msg.Data()})
	}
	return all
}

// readEvents returns all events in their order, as the judge of chaos runs reads them.
func readEvents(t testing.TB, js jetstream.JetStream) []chaos.Event {
	t.Helper()
	var events []chaos.Event
	for _, raw := range readStream(t, js, contract.StreamEvents) {
		e, err := chaos.ReadEvent(raw.seq, raw.data)
		require.NoError(t, err)
		events = append(events, e)
	}
	return events
}

// checkStories fails the test unless the events tell, of each deployment and host, a story that ends exactly once, and, of
// each host, one job after the other.
func checkStories(t testing.TB, events []chaos.Event) {
	t.Helper()
	require.Empty(t, chaos.Stories(events))
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
