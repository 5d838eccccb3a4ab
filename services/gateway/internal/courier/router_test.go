package courier

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const patience = time.Minute

// route is a courier that has yet to run, webhooks, and a receiver of theirs.
type route struct {
	*testing.T
	*Courier
	url  string
	came chan string // ids of what the receiver got
}

func newRoute(t *testing.T) *route {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	store, err := webhooks.Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	ledger, err := webhooks.OpenLedger(t.Context(), b)
	require.NoError(t, err)
	came := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came <- r.Header.Get("Webhook-Id") }))
	t.Cleanup(receiver.Close)
	cfg := Config{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: patience, RetryFirst: time.Second, RetryLongest: time.Second,
		RetryFor: time.Minute, PauseAfter: time.Minute, Waiting: 100, AtOnce: 4, InFlight: 4, Beat: 50 * time.Millisecond,
	}
	c, err := Open(t.Context(), b, cfg, store, ledger, nil, zerolog.Nop())
	require.NoError(t, err)
	return &route{t, c, receiver.URL, came}
}

// newSteadyRoute is newRoute with one courier throughout, however busy the machine is.
func newSteadyRoute(t *testing.T) *route {
	t.Helper()
	r := newRoute(t)
	r.cfg.Beat = patience
	return r
}

// begin runs the courier until the test ends.
func (r *route) begin() {
	stop := make(chan struct{})
	ctx := r.Context() // ends before cleanups
	go func() { defer close(stop); r.Courier.Run(ctx) }()
	r.Cleanup(func() { <-stop })
}

func (r *route) hook(w webhooks.Webhook) {
	r.Helper()
	w.URL, w.Events, w.State = r.url, []string{"*"}, webhooks.Active
	_, _, err := r.store.Create(r.Context(), w)
	require.NoError(r, err)
}

// happens stores an event of a deployment as a whole.
func (r *route) happens(deployment string, body contract.Body) bus.Stored {
	r.Helper()
	data, err := contract.Encode(contract.Envelope{Deployment: deployment}, body)
	require.NoError(r, err)
	_, err = r.bus.Publish(r.Context(), contract.SystemEventSubject(deployment), "", data)
	require.NoError(r, err)
	stored, err := r.bus.Last(r.Context(), contract.StreamEvents, contract.EventsAll)
	require.NoError(r, err)
	return stored
}

func (r *route) await(what string) string {
	r.Helper()
	select {
	case id := <-r.came:
		return id
	case <-time.After(patience):
		require.FailNow(r, what)
		return ""
	}
}

func decoded(t *testing.T, stored bus.Stored) contract.Message {
	t.Helper()
	m, err := contract.Decode(stored.Data)
	require.NoError(t, err)
	return m
}

// The courier before stored a delivery, and ended before the record moved on over its event.
func TestADeliveryThatACourierBeforeStoredIsSentByTheNext(t *testing.T) {
	r := newSteadyRoute(t)
	r.hook(webhooks.Webhook{ID: "w1"})
	stored := r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	e, told, err := (&stories{bus: r.bus, kept: map[string]about{}}).tell(t.Context(), stored.Seq, decoded(t, stored))
	require.NoError(t, err)
	require.True(t, told)
	body, err := e.Body(r.bus.Installation())
	require.NoError(t, err)
	w, _, err := r.store.Read(t.Context(), "w1")
	require.NoError(t, err)
	left, err := r.ledger.Add(t.Context(), e.Of(w, body, time.Now()))
	require.NoError(t, err)

	r.begin()
	require.Equal(t, left.ID, r.await("it is not sent"))
	require.Eventually(t, func() bool {
		d, err := r.ledger.Find(t.Context(), "w1", left.ID)
		return err == nil && d.State == webhooks.Delivered
	}, patience, 10*time.Millisecond)
	after := r.happens("d1", contract.ConcludedEvent{State: "succeeded"})
	require.NotEqual(t, left.ID, r.await("what follows"), "it is sent once")
	require.Greater(t, after.Seq, stored.Seq)
}

func TestACallbackIsMarkedAsOverWithItsDeploymentAndNothingElseIs(t *testing.T) {
	r := newRoute(t)
	r.hook(webhooks.Webhook{ID: "w1"})
	r.hook(webhooks.Webhook{ID: "d1", Deployment: "d1"})
	r.hook(webhooks.Webhook{ID: "d2", Deployment: "d2"})
	r.begin()
	over := func(id string) bool {
		w, _, err := r.store.Read(t.Context(), id)
		require.NoError(t, err)
		return w.Over != nil
	}
	r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	r.happens("d2", contract.AcceptedEvent{Kind: "deploy"})
	for range 4 {
		r.await("the beginnings")
	}
	require.False(t, over("d1"), "something follows")
	r.happens("d1", contract.ConcludedEvent{State: "succeeded"})
	require.Eventually(t, func() bool { return over("d1") }, patience, 10*time.Millisecond)
	require.False(t, over("d2"), "its deployment goes on")
	require.False(t, over("w1"), "it is told of more than one")
}

func TestAWebhookThatFirstAsksForHostsIsToldOfThemFromThenOn(t *testing.T) {
	r := newSteadyRoute(t)
	r.names = func(context.Context, string) string { return "" }
	w := webhooks.Webhook{ID: "w1", URL: r.url, Events: []string{"deployment.*"}, State: webhooks.Active}
	_, _, err := r.store.Create(t.Context(), w)
	require.NoError(t, err)
	r.begin()
	r.happens("d1", contract.AcceptedEvent{Kind: "deploy"})
	r.await("events are read, without those of hosts")

	w.ID, w.Events = "w2", []string{"host.*"}
	_, _, err = r.store.Create(t.Context(), w)
	require.NoError(t, err)
	data, err := contract.Encode(contract.Envelope{Deployment: "d1", Host: "h1", Attempt: 1}, contract.JobEndedEvent{State: "succeeded"})
	require.NoError(t, err)
	_, err = r.bus.Publish(t.Context(), contract.JobEventSubject("d1", "h1"), "", data)
	require.NoError(t, err)
	r.await("the event of a host, though nothing is told of its deployment as a whole")
}
