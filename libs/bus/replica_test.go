package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

var errSeen = errors.New("all is seen")

// states follows what is told of a replica until it is in this state, and returns all.
func states(t *testing.T, b *bus.Bus, service, id string, last contract.ReplicaState) []contract.ReplicaState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []contract.ReplicaState
	err := b.Follow(ctx, contract.StreamReplicas, []string{contract.ReplicaSubject(service, id)}, 0, func(s bus.Stored) error {
		m, err := contract.Decode(s.Data)
		require.NoError(t, err)
		event := m.Body.(contract.ReplicaEvent)
		require.Equal(t, []string{service, id}, []string{event.Service, event.Replica})
		require.NotEmpty(t, event.Machine)
		if all = append(all, event.State); event.State == last {
			return errSeen
		}
		return nil
	})
	require.ErrorIs(t, err, errSeen, "%v", all)
	return all
}

func TestAReplicaTellsItsLifeInOrder(t *testing.T) {
	_, b := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := bus.Serve(ctx, b.Conn(), bus.About{Name: "slipway-test"})
	require.NoError(t, err)
	require.Equal(t, []contract.ReplicaState{contract.ReplicaStarted}, states(t, b, "slipway-test", r.ID(), contract.ReplicaStarted))
	r.Ready()
	r.Ready()
	states(t, b, "slipway-test", r.ID(), contract.ReplicaReady)
	cancel()
	states(t, b, "slipway-test", r.ID(), contract.ReplicaStopping)
	r.Ready() // too late
	r.Stop()
	r.Stop()
	require.Equal(t, []contract.ReplicaState{
		contract.ReplicaStarted, contract.ReplicaReady, contract.ReplicaStopping, contract.ReplicaStopped,
	}, states(t, b, "slipway-test", r.ID(), contract.ReplicaStopped))
}

func TestAReplicaIsReadyAgainAsOftenAsItMustBe(t *testing.T) {
	server, b := start(t)
	r, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-test"})
	require.NoError(t, err)
	r.NotReady() // it was not
	last := func(word contract.ReplicaState) {
		t.Helper()
		require.Eventually(t, func() bool {
			stream, err := b.JetStream().Stream(t.Context(), contract.StreamReplicas)
			if err != nil {
				return false
			}
			last, err := stream.GetLastMsgForSubject(t.Context(), contract.ReplicaSubject("slipway-test", r.ID()))
			return err == nil && strings.Contains(string(last.Data), fmt.Sprintf("%q", word))
		}, patience, 10*time.Millisecond, "its last word is not %s", word)
	}
	for range 2 {
		r.Ready()
		last(contract.ReplicaReady)
		r.NotReady()
		r.NotReady()
		last(contract.ReplicaStarted)
	}
	server.Stop()
	for range 100 { // of which the broker is told no more than it must know
		r.Ready()
		r.NotReady()
	}
	r.Ready()
	server.Restart()
	last(contract.ReplicaReady) // the end of a replica waits for a moment alone
	r.Stop()
	r.NotReady() // too late
	all := states(t, b, "slipway-test", r.ID(), contract.ReplicaStopped)
	require.Less(t, len(all), 20, "of 200: %v", all)
	require.Equal(t, []contract.ReplicaState{
		contract.ReplicaStarted, contract.ReplicaReady, contract.ReplicaStarted, contract.ReplicaReady,
	}, all[:4])
	require.Equal(t, []contract.ReplicaState{contract.ReplicaReady, contract.ReplicaStopping, contract.ReplicaStopped}, all[len(all)-3:])
}

func TestAReplicaStopsWithoutABroker(t *testing.T) {
	server, b := start(t)
	r, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-test"})
	require.NoError(t, err)
	server.Stop()
	r.Stop() // it comes back
}

func TestReplicasAreFoundAndSayWhatTheyDo(t *testing.T) {
	_, b := start(t)
	release := make(chan struct{})
	var ids []string
	for range 2 {
		r, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "slipway-test", Metadata: map[string]string{"zones": "dmz"}, Notes: func() map[string]string { return map[string]string{"met": "uv"} }},
			bus.Endpoint{Name: "wait", Subject: "wait", Answer: func(_ context.Context, q bus.Request) {
				<-release
				if err := q.Reply(contract.Envelope{}, contract.Admitted{}); err != nil {
					t.Error(err)
				}
			}})
		require.NoError(t, err)
		t.Cleanup(r.Stop)
		ids = append(ids, r.ID())
	}
	other, err := bus.Serve(t.Context(), b.Conn(), bus.About{Name: "another"})
	require.NoError(t, err)
	t.Cleanup(other.Stop)

	var found []bus.Registered
	require.Eventually(t, func() bool { // a busy machine may be late with an answer
		found = nil
		require.NoError(t, b.Replicas(t.Context(), 200*time.Millisecond, func(r bus.Registered) { found = append(found, r) }))
		return len(found) == 2
	}, patience, time.Millisecond)
	slices.Sort(ids)
	slices.SortFunc(found, func(a, b bus.Registered) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	for i, r := range found {
		require.Equal(t, []string{"slipway-test", ids[i], "dmz", "wait"}, []string{r.Service, r.ID, r.Metadata["zones"], r.Subjects[0]})
		require.NotEmpty(t, r.Metadata[bus.MetadataMachine])
		_, err := b.Ping(t.Context(), "slipway-test", r.ID)
		require.NoError(t, err)
	}

	answered := make(chan error, 1)
	go func() {
		_, err := b.Conn().Request("wait", nil, patience)
		answered <- err
	}()
	work := func() (sum bus.Work) {
		for _, id := range ids {
			a, err := b.Activity(t.Context(), "slipway-test", id)
			require.NoError(t, err)
			require.Len(t, a.Endpoints, 1)
			require.False(t, a.Started.IsZero())
			require.Equal(t, map[string]string{"met": "uv"}, a.Notes)
			sum.Answered += a.Endpoints[0].Answered
			sum.UnderWay += a.Endpoints[0].UnderWay
			sum.Nanoseconds += a.Endpoints[0].Nanoseconds
		}
		return sum
	}
	require.Eventually(t, func() bool { return work() == bus.Work{UnderWay: 1} }, patience, time.Millisecond)
	close(release)
	require.NoError(t, <-answered)
	require.Eventually(t, func() bool { return work().Answered == 1 }, patience, time.Millisecond)
	require.Positive(t, work().Nanoseconds)

	_, err = b.Ping(t.Context(), "slipway-test", "nobody")
	require.ErrorIs(t, err, bus.ErrNone)
	_, err = b.Activity(t.Context(), "sl ipway", ids[0])
	require.ErrorIs(t, err, bus.ErrNone)
}
