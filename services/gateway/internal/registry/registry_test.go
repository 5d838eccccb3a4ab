package registry

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	patience = time.Minute
	often    = 50 * time.Millisecond
)

// gateways runs so many registries on one broker, and returns them.
func gateways(t *testing.T, server *bustest.Server, many int) []*Registry {
	t.Helper()
	var all []*Registry
	for range many {
		b := server.OpenBus(t)
		r, err := Open(t.Context(), b, often, zerolog.Nop())
		require.NoError(t, err)
		self, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-gateway"})
		require.NoError(t, err)
		done := make(chan struct{})
		go func() { r.Run(t.Context(), self.ID()); close(done) }()
		t.Cleanup(func() { <-done; self.Stop() }) // t.Context has ended
		all = append(all, r)
	}
	return all
}

func states(r *Registry, replica string) (all []contract.ReplicaState) {
	found, _ := r.Events(Filter{Replica: replica, Limit: 100})
	for _, e := range found {
		all = append([]contract.ReplicaState{e.State}, all...)
	}
	return all
}

// doppelganger answers counts as a replica does, while it is let.
func doppelganger(t *testing.T, nc *nats.Conn, service, id string, alive *atomic.Bool) {
	t.Helper()
	subject, err := micro.ControlSubject(micro.InfoVerb, "", "")
	require.NoError(t, err)
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		if alive.Load() {
			data, err := json.Marshal(micro.Info{ServiceIdentity: micro.ServiceIdentity{Name: service, ID: id, Version: "1.2.3"}})
			if err != nil || m.Respond(data) != nil {
				t.Error("it cannot answer")
			}
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sub.Unsubscribe() })
}

func TestAReplicaThatDiesIsLostAndSaidToBeSoOnce(t *testing.T) {
	server := bustest.Start(t)
	all := gateways(t, server, 3)
	b := server.OpenBus(t)
	replica, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-executor", Metadata: map[string]string{"zones": "dmz"}})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return slices.Equal(states(all[0], replica.ID()), []contract.ReplicaState{contract.ReplicaStarted})
	}, patience, time.Millisecond)
	require.False(t, all[0].Serves("slipway-executor"), "it is started, and not ready")
	replica.Ready()
	for _, r := range all {
		require.Eventually(t, func() bool { return r.Serves("slipway-executor") }, patience, time.Millisecond)
		require.Eventually(t, func() bool {
			found := r.Replicas()
			return len(found) == 4 && found[0].Metadata["zones"] == "dmz"
		}, patience, time.Millisecond)
	}
	b.Conn().Close() // without a word
	want := []contract.ReplicaState{contract.ReplicaStarted, contract.ReplicaReady, contract.ReplicaLost}
	for _, r := range all {
		require.Eventually(t, func() bool { return len(states(r, replica.ID())) == len(want) }, patience, time.Millisecond)
		require.Equal(t, want, states(r, replica.ID()))
		require.False(t, r.Serves("slipway-executor"))
	}
	newest, _ := all[0].Events(Filter{Replica: replica.ID(), Limit: 1})
	require.NotEmpty(t, newest[0].By)
	require.NotEmpty(t, newest[0].Machine)
	require.Equal(t, contract.ReplicaLost, all[0].Replicas()[0].State)

	late, err := Open(t.Context(), server.OpenBus(t), time.Hour, zerolog.Nop())
	require.NoError(t, err)
	require.Equal(t, want, states(late, replica.ID()), "who comes later knows it, too")
}

func TestAReplicaThatWasSilentForAWhileReturns(t *testing.T) {
	server := bustest.Start(t)
	r := gateways(t, server, 1)[0]
	b := server.OpenBus(t)
	replica, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-executor"})
	require.NoError(t, err)
	replica.Ready()
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 2 }, patience, time.Millisecond)
	var alive atomic.Bool
	doppelganger(t, server.OpenBus(t).Conn(), "slipway-executor", replica.ID(), &alive)
	b.Conn().Close()
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 3 }, patience, time.Millisecond)
	require.False(t, r.Serves("slipway-executor"))
	alive.Store(true)
	require.Eventually(t, func() bool { return r.Serves("slipway-executor") }, patience, time.Millisecond)
	require.Equal(t, contract.ReplicaReturned, states(r, replica.ID())[3])
}

func TestAReplicaThatReturnsIsNotReadyForThat(t *testing.T) {
	server := bustest.Start(t)
	r := gateways(t, server, 1)[0]
	b := server.OpenBus(t)
	replica, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-history"})
	require.NoError(t, err)
	replica.Ready()
	require.Eventually(t, func() bool { return r.Serves("slipway-history") }, patience, time.Millisecond)
	replica.NotReady()
	require.Eventually(t, func() bool { return !r.Serves("slipway-history") }, patience, time.Millisecond)
	replica.Ready()
	require.Eventually(t, func() bool { return r.Serves("slipway-history") }, patience, time.Millisecond)

	replica.NotReady()
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 5 }, patience, time.Millisecond)
	var alive atomic.Bool
	doppelganger(t, server.OpenBus(t).Conn(), "slipway-history", replica.ID(), &alive)
	b.Conn().Close()
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 6 }, patience, time.Millisecond)
	alive.Store(true)
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 7 }, patience, time.Millisecond)
	require.Equal(t, contract.ReplicaReturned, states(r, replica.ID())[6])
	require.False(t, r.Serves("slipway-history"), "what it needs was away when it was lost")

	late, err := Open(t.Context(), server.OpenBus(t), time.Hour, zerolog.Nop())
	require.NoError(t, err)
	require.Eventually(t, func() bool { // a count waits for answers for so long and no longer
		late.count(t.Context(), "another")
		return !late.known[replica.ID()].Seen.IsZero()
	}, patience, time.Millisecond)
	require.False(t, late.Serves("slipway-history"))
}

func TestAReplicaThatWasLostLongAgoIsForgottenUntilItAnswers(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	lost := time.Now().Add(-shownFor)
	data, err := contract.Encode(contract.Envelope{Time: lost}, contract.ReplicaEvent{Service: "slipway-executor", Replica: "old", State: contract.ReplicaLost})
	require.NoError(t, err)
	_, err = b.Append(t.Context(), contract.StreamReplicas, contract.ReplicaSubject("slipway-executor", "old"), 0, "", data)
	require.NoError(t, err)
	r, err := Open(t.Context(), b, often, zerolog.Nop())
	require.NoError(t, err)
	var self, old atomic.Bool
	self.Store(true)
	doppelganger(t, b.Conn(), "slipway-executor", "self", &self)
	doppelganger(t, b.Conn(), "slipway-executor", "old", &old)
	require.Contains(t, r.known, "old")
	r.count(t.Context(), "self")
	require.NotContains(t, r.known, "old")
	require.Equal(t, []contract.ReplicaState{contract.ReplicaLost}, states(r, "old"), "what is stored stays")

	old.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { r.follow(ctx); close(followed) }()
	require.Eventually(t, func() bool {
		r.count(t.Context(), "self")
		return len(states(r, "old")) == 2
	}, patience, time.Millisecond)
	stop()
	<-followed
	require.Equal(t, contract.ReplicaReturned, states(r, "old")[1])
	require.Equal(t, contract.ReplicaReturned, r.known["old"].State)
}

func TestAReplicaThatTellsNothingIsKnownByTheCount(t *testing.T) {
	server := bustest.Start(t)
	r := gateways(t, server, 1)[0]
	var alive atomic.Bool
	alive.Store(true)
	doppelganger(t, server.OpenBus(t).Conn(), "slipway-executor", "old", &alive)
	require.Eventually(t, func() bool { return r.Serves("slipway-executor") }, patience, time.Millisecond)
	require.Equal(t, "1.2.3", r.Replicas()[0].Version)
	alive.Store(false)
	require.Eventually(t, func() bool { return !r.Serves("slipway-executor") && len(r.Replicas()) == 1 }, patience, time.Millisecond)
	require.Empty(t, states(r, "old"))
}

func TestNobodyIsLostWhereTheBrokerIs(t *testing.T) {
	server := bustest.Start(t)
	r := gateways(t, server, 1)[0]
	replica, err := bus.Serve(t.Context(), server.OpenBus(t).Conn(), bus.About{Name: "slipway-history"})
	require.NoError(t, err)
	t.Cleanup(replica.Stop)
	replica.Ready()
	require.Eventually(t, func() bool { return r.Serves("slipway-history") }, patience, time.Millisecond)
	server.Stop()
	for range 2 * lostAfter {
		r.count(t.Context(), "self")
	}
	server.Restart()
	replica.Stop()
	require.Eventually(t, func() bool { return !r.Serves("slipway-history") }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return len(states(r, replica.ID())) == 4 }, patience, time.Millisecond)
	require.Equal(t, []contract.ReplicaState{
		contract.ReplicaStarted, contract.ReplicaReady, contract.ReplicaStopping, contract.ReplicaStopped,
	}, states(r, replica.ID()))
}

func TestWhatWasReadyBeforeAGatewayStartedMustAnswerIt(t *testing.T) {
	server := bustest.Start(t)
	b := server.OpenBus(t)
	replica, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-history"})
	require.NoError(t, err)
	replica.Ready()
	reader := server.OpenBus(t)
	r, err := Open(t.Context(), reader, time.Hour, zerolog.Nop())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		r, err = Open(t.Context(), reader, time.Hour, zerolog.Nop())
		require.NoError(t, err)
		return len(states(r, replica.ID())) == 2
	}, patience, time.Millisecond)
	require.False(t, r.Serves("slipway-history"))
	require.Eventually(t, func() bool {
		r.count(t.Context(), "another")
		return r.Serves("slipway-history")
	}, patience, time.Millisecond)
}
