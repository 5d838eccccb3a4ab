//go:build bench

package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

const (
	fleetHosts = 1000
	fleetWaves = 20
	fleetSlots = 64 // of the one executor: its default
)

// TestFleet takes a deployment through 1,000 hosts that do no work, in 20 waves.
// The baseline is the bare messages of the same shape through the same broker: a
// job a host, one event back, and a barrier after each wave.
func TestFleet(t *testing.T) {
	wanted(t, "fleet")
	i := startInstallation(t)
	i.scale(1, fleetSlots, 0)
	servers := i.addSimulated(fleetHosts)
	bare := newBareFleet(t, i.js)
	for round := range *rounds {
		i.upload("fleet", strconv.Itoa(round), "fleet.bin", []byte("a package of one file"))
	}
	compare(t, map[string]string{"fleet.wall": "s", "fleet.scheduler.cpu": "s", "fleet.scheduler.memory": "MiB"},
		func(round int) measurement {
			i.scheduler.forget()
			cpu, began := i.scheduler.cpu(), time.Now()
			i.succeed(i.order(map[string]any{
				"application": "fleet", "version": strconv.Itoa(round), "servers": servers,
				"strategy": map[string]any{"type": "rolling", "batch": fleetHosts / fleetWaves},
			}))
			return measurement{
				"fleet.wall":             time.Since(began).Seconds(),
				"fleet.scheduler.cpu":    (i.scheduler.cpu() - cpu).Seconds(),
				"fleet.scheduler.memory": i.scheduler.peak(),
			}
		},
		func(int) measurement {
			began := time.Now()
			bare.run(t)
			return measurement{"fleet.wall": time.Since(began).Seconds()}
		})
}

// bareFleet is the baseline of TestFleet.
type bareFleet struct {
	js     jetstream.JetStream
	jobs   jetstream.Consumer
	events jetstream.Consumer
}

func newBareFleet(t *testing.T, js jetstream.JetStream) *bareFleet {
	t.Helper()
	b := &bareFleet{js: js}
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "BAREJOBS", Subjects: []string{"bare.job.*"}, Retention: jetstream.WorkQueuePolicy,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
	})
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BAREEVENTS", Subjects: []string{"bare.event.*"}})
	require.NoError(t, err)
	b.jobs, err = js.CreateConsumer(t.Context(), "BAREJOBS", jetstream.ConsumerConfig{Durable: "worker", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1})
	require.NoError(t, err)
	b.events, err = js.CreateConsumer(t.Context(), "BAREEVENTS", jetstream.ConsumerConfig{Durable: "scheduler", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1})
	require.NoError(t, err)
	return b
}

func (b *bareFleet) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	for range fleetSlots {
		working.Go(func() { b.work(ctx) })
	}
	for wave := range fleetWaves {
		require.NoError(t, b.wave(ctx, wave))
	}
	stop()
	working.Wait()
}

// work does jobs until ctx ends: an event each, then the acknowledgement.
func (b *bareFleet) work(ctx context.Context) {
	for ctx.Err() == nil {
		batch, err := b.jobs.Fetch(1, jetstream.FetchContext(ctx))
		if err != nil {
			return
		}
		for job := range batch.Messages() {
			if _, err := b.js.Publish(ctx, "bare.event."+job.Subject()[len("bare.job."):], job.Data()); err != nil {
				return
			}
			// To its end, though the last event was all that the round waited for: a job
			// that stays is in the way of the next.
			_ = job.DoubleAck(context.WithoutCancel(ctx))
		}
	}
}

// wave publishes the jobs of a wave, 32 at once as the scheduler does, and waits
// for the event of each.
func (b *bareFleet) wave(ctx context.Context, wave int) error {
	const each = fleetHosts / fleetWaves
	err := atOnce(each, func(n int) error {
		_, err := b.js.Publish(ctx, fmt.Sprintf("bare.job.%d", wave*each+n), []byte("a job"))
		return err
	})
	for ended := 0; ended < each && err == nil; {
		var batch jetstream.MessageBatch
		if batch, err = b.events.Fetch(each-ended, jetstream.FetchMaxWait(time.Second)); err != nil {
			break
		}
		for event := range batch.Messages() {
			ended++
			_ = event.Ack()
		}
	}
	return err
}
