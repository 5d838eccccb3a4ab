//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	liveClients = 500
	liveIdle    = 1000
	liveSingly  = 100 // events in a round, each once all clients have the one before
	liveAtOnce  = 200 // events in a round that are stored as fast as the broker takes them
)

// TestLive has a gateway show events to 500 clients over SSE: how long it takes from an event's place in the stream, by the
// broker's clock, until a client has read it, and how many arrive in a second when many come at once. The baseline is a bare
// broadcaster (./broadcaster), a process of its own, too, with clients of the same kind.
func TestLive(t *testing.T) {
	wanted(t, "live")
	i, gateway := startGatewayAlone(t)
	bare := i.startBroadcaster(t)
	compare(t, map[string]string{"live.p50": "ms", "live.p99": "ms", "live.rate": "events/s", "live.cpu": "µs"},
		func(int) measurement { return i.liveRound(t, gateway, i.url+"/v1/events") },
		func(int) measurement { return i.liveRound(t, bare.process, bare.url) })
}

// TestLiveMemory measures what 1,000 clients cost that are shown nothing, all at once: resident memory, and the heap after
// a collection. The baseline is the bare broadcaster.
func TestLiveMemory(t *testing.T) {
	wanted(t, "live.memory")
	i, gateway := startGatewayAlone(t)
	bare := i.startBroadcaster(t)
	ours := idleCost(t, gateway, gateway.says(`profiles: (\S+)`), i.url+"/v1/events", i.token)
	theirs := idleCost(t, bare.process, bare.url+"/debug/pprof/", bare.url, i.token)
	for _, name := range []string{"live.memory.process", "live.memory.client", "live.memory.client.heap"} {
		unit := "KiB"
		if name == "live.memory.process" {
			unit = "MiB"
		}
		note(figure{Name: name, Unit: unit, Value: ours[name], Baseline: theirs[name], Samples: []float64{ours[name]}})
	}
}

// idleCost measures a process without clients and with those that arrive, after a collection each time.
func idleCost(t *testing.T, p *process, profiles, url, token string) measurement {
	t.Helper()
	heapBefore, before := heapOf(t, profiles), p.resident()
	defer join(t, liveIdle, url, token).leave()
	heap, after := heapOf(t, profiles), p.resident()
	return measurement{
		"live.memory.process":     after,
		"live.memory.client":      (after - before) * 1024 / liveIdle,
		"live.memory.client.heap": (heap - heapBefore) / 1024 / liveIdle,
	}
}

type broadcaster struct {
	*process
	url string
}

func (i *installation) startBroadcaster(t *testing.T) broadcaster {
	t.Helper()
	build(t, i.dir, map[string]string{"./bench/broadcaster": "standalone"})
	p := start(t, i.dir, "broadcaster", "broadcaster", i.broker)
	return broadcaster{p, p.says(`http://\S+`)}
}

// watched returns clients of which each has been shown an event: from then on it is shown all.
func (i *installation) watched(t *testing.T, url string) *crowd {
	t.Helper()
	c := join(t, liveClients, url, i.token)
	eventually(t, func() bool {
		i.step(t)
		return c.present() == liveClients
	}, func() string { return fmt.Sprintf("%d of %d clients are shown events", c.present(), liveClients) })
	return c
}

// step stores an event of a host and returns its place in the stream.
func (i *installation) step(t *testing.T) uint64 {
	t.Helper()
	ack, err := i.js.PublishMsg(t.Context(), stepMessage(t))
	require.NoError(t, err)
	return ack.Sequence
}

func stepMessage(t *testing.T) *nats.Msg {
	t.Helper()
	now := time.Now()
	data, err := contract.Encode(contract.Envelope{Deployment: "d1", Project: "web", Host: "h1", Attempt: 1},
		contract.JobStepEvent{Step: "stage", State: "succeeded", StartedAt: now, EndedAt: &now, Next: "switch"})
	require.NoError(t, err)
	return &nats.Msg{Subject: contract.JobEventSubject("d1", "h1"), Data: data}
}

func (i *installation) liveRound(t *testing.T, p *process, url string) measurement {
	t.Helper()
	c := i.watched(t, url)
	defer c.leave()
	stream, err := i.js.Stream(t.Context(), contract.StreamEvents)
	require.NoError(t, err)
	shown := c.expect(stream.CachedInfo().State.LastSeq, liveSingly)
	cpu := p.cpu()
	for range liveSingly {
		shown.await(t, i.step(t))
	}
	cpu = p.cpu() - cpu
	var waits []float64
	for n, arrivals := range shown.arrivals {
		stored, err := stream.GetMsg(t.Context(), shown.after+uint64(n)+1)
		require.NoError(t, err)
		for _, at := range arrivals {
			waits = append(waits, milliseconds(at.Sub(stored.Time)))
		}
	}

	shown = c.expect(shown.after+liveSingly, liveAtOnce)
	began := time.Now()
	for range liveAtOnce {
		_, err := i.js.PublishMsgAsync(stepMessage(t))
		require.NoError(t, err)
	}
	shown.await(t, shown.after+liveAtOnce)
	wall := time.Since(began)
	return measurement{
		"live.p50": percentile(waits, 0.5), "live.p99": percentile(waits, 0.99),
		"live.rate": float64(liveAtOnce*liveClients) / wall.Seconds(),
		"live.cpu":  float64(cpu.Microseconds()) / float64(liveSingly*liveClients),
	}
}
