//go:build bench

package bench

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

const queueDeployments = 100

// TestQueue deploys to an idle system, one deployment after the other, and
// measures from its acceptance to the first step on the host: command,
// scheduler, host queue, job, attempt. The baseline is the bare way of two
// messages through the same broker: publish to a work queue, take, publish what
// follows.
func TestQueue(t *testing.T) {
	wanted(t, "queue")
	s := startSlipway(t)
	servers := s.addServers(sitesOf(hosttest.Start(t, 1)))
	s.upload("queue", "1", "queue.bin", []byte("a package of one file"))
	s.deploy("queue", "1", servers)

	js := startBareNATS(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work"}, Retention: jetstream.WorkQueuePolicy})
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DONE", Subjects: []string{"done"}})
	require.NoError(t, err)
	consumer, err := js.CreateConsumer(t.Context(), "WORK", jetstream.ConsumerConfig{Durable: "bench", AckPolicy: jetstream.AckExplicitPolicy})
	require.NoError(t, err)

	compare(t, map[string]string{"queue.first_step.p50": "ms", "queue.first_step.p99": "ms"},
		func(int) measurement {
			var waits []float64
			for range queueDeployments {
				waits = append(waits, milliseconds(s.firstStep(s.deploy("queue", "1", servers))))
			}
			return quantiles(waits)
		},
		func(int) measurement {
			var waits []float64
			for range queueDeployments {
				waits = append(waits, milliseconds(bareWay(t, js, consumer)))
			}
			return quantiles(waits)
		})
}

func quantiles(waits []float64) measurement {
	return measurement{"queue.first_step.p50": percentile(waits, 0.5), "queue.first_step.p99": percentile(waits, 0.99)}
}

// firstStep returns how long the deployment took from its acceptance to the
// first step of its target, as its documents say.
func (s *slipway) firstStep(d deployment) time.Duration {
	s.t.Helper()
	var page struct {
		Items []struct {
			Steps []struct {
				StartedAt time.Time `json:"started_at"`
			} `json:"steps"`
		} `json:"items"`
	}
	s.call("GET", "/v1/deployments/"+d.ID+"/targets", nil, &page)
	require.NotEmpty(s.t, page.Items)
	require.NotEmpty(s.t, page.Items[0].Steps)
	return page.Items[0].Steps[0].StartedAt.Sub(d.AcceptedAt)
}

func bareWay(t *testing.T, js jetstream.JetStream, consumer jetstream.Consumer) time.Duration {
	t.Helper()
	var stored time.Time
	taken := make(chan error, 1)
	go func() {
		msg, err := consumer.Next()
		if err == nil {
			_, err = js.Publish(t.Context(), "done", msg.Data())
			stored = time.Now()
		}
		if err == nil {
			err = msg.DoubleAck(t.Context())
		}
		taken <- err
	}()
	began := time.Now()
	_, err := js.Publish(t.Context(), "work", []byte("a job"))
	require.NoError(t, err)
	require.NoError(t, <-taken)
	return stored.Sub(began)
}
