package courier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// of is the delivery of an event to a webhook, as the courier makes it.
func (r *route) of(seq uint64, m contract.Message, webhook string) webhooks.Delivery {
	r.Helper()
	e, told, err := (&stories{bus: r.bus, kept: map[string]about{}}).tell(r.Context(), seq, m)
	require.NoError(r, err)
	require.True(r, told)
	body, err := e.Body(r.bus.Installation())
	require.NoError(r, err)
	w, _, err := r.store.Read(r.Context(), webhook)
	require.NoError(r, err)
	return e.Of(w, body, time.Now())
}

// under returns the keys of what is under way.
func (r *route) under() (keys []string) {
	r.Helper()
	require.NoError(r, r.ledger.Under(r.Context(), func(e webhooks.Entry) { keys = append(keys, e.Key) }))
	return keys
}

// killedWhileItEnds leaves a delivery as a courier does that was killed once it had recorded its end.
func (r *route) killedWhileItEnds(d webhooks.Delivery) {
	r.Helper()
	_, err := r.ledger.Add(r.Context(), d)
	require.NoError(r, err)
	require.NoError(r, r.ledger.Record(r.Context(), d.End(webhooks.Delivered, time.Now())))
}

// It would be sent by a courier much later, after the end of its deployment.
func TestADeliveryThatEndedIsNotUnderWayEvenIfItsCourierWasKilledMeanwhile(t *testing.T) {
	r := newSteadyRoute(t)
	r.hook(webhooks.Webhook{ID: "w1"})
	stored := r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	ended := r.of(stored.Seq, decoded(t, stored), "w1")
	r.killedWhileItEnds(ended)
	require.Len(t, r.under(), 1)

	r.begin()
	r.happens("d1", contract.ConcludedEvent{State: "succeeded"})
	require.NotEqual(t, ended.ID, r.await("what follows"))
	require.Eventually(t, func() bool { return len(r.under()) == 0 }, patience, 10*time.Millisecond, "the next courier would send it")
}

// Where the record covers its event, what stands in HOOKS is sent at once.
func TestADeliveryThatEndedIsNotSentAgainWhereTheRecordCoversItsEvent(t *testing.T) {
	r := newSteadyRoute(t)
	r.hook(webhooks.Webhook{ID: "w1"})
	stored := r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	ended := r.of(stored.Seq, decoded(t, stored), "w1")
	r.killedWhileItEnds(ended)
	_, err := r.cells.Create(t.Context(), dutyKey, record{Seq: stored.Seq, EV: r.bus.Installation()})
	require.NoError(t, err)

	r.begin()
	r.happens("d1", contract.ConcludedEvent{State: "succeeded"})
	require.NotEqual(t, ended.ID, r.await("what follows"))
	require.Eventually(t, func() bool { return len(r.under()) == 0 }, patience, 10*time.Millisecond)
}

// A replay has the id of what ended before.
func TestAReplayIsSentAlthoughItsDeliveryHasEnded(t *testing.T) {
	r := newSteadyRoute(t)
	r.hook(webhooks.Webhook{ID: "w1"})
	stored := r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	ended := r.of(stored.Seq, decoded(t, stored), "w1")
	require.NoError(t, r.ledger.Record(t.Context(), ended.End(webhooks.Delivered, time.Now())))
	_, err := r.ledger.Replay(t.Context(), "w1", ended.ID, "request", time.Now())
	require.NoError(t, err)

	r.begin()
	require.Equal(t, ended.ID, r.await("the replay"))
}

// It would be dead and under way at once, and be sent by a courier much later.
func TestADeliveryThatACourierBeforeStoredIsNotOneTooMany(t *testing.T) {
	r := newSteadyRoute(t)
	r.cfg.Waiting = 1
	r.hook(webhooks.Webhook{ID: "w1"})
	first, second := r.happens("d1", contract.AcceptedEvent{Kind: "deploy"}), r.happens("d1", contract.ConcludedEvent{State: "succeeded"})
	var left []string
	for _, stored := range []bus.Stored{first, second} {
		e, err := r.ledger.Add(t.Context(), r.of(stored.Seq, decoded(t, stored), "w1"))
		require.NoError(t, err)
		left = append(left, e.ID)
	}
	_, err := r.cells.Create(t.Context(), dutyKey, record{Seq: first.Seq, EV: r.bus.Installation()})
	require.NoError(t, err)
	becomes := func(state webhooks.State) {
		_, _, err := r.store.Change(t.Context(), "w1", 0, func(w webhooks.Webhook) (webhooks.Webhook, error) {
			w.State = state
			return w, nil
		})
		require.NoError(t, err)
	}
	becomes(webhooks.Paused)
	r.begin()
	require.Eventually(t, func() bool {
		have, _, err := r.cells.Get(t.Context(), dutyKey)
		return err == nil && have.Seq == second.Seq
	}, patience, 10*time.Millisecond, "both are taken up")
	becomes(webhooks.Active)
	for _, id := range left {
		require.Equal(t, id, r.await("each of them"))
	}
}
