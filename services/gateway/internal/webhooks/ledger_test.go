package webhooks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

func openLedger(t *testing.T) *webhooks.Ledger {
	t.Helper()
	l, err := webhooks.OpenLedger(t.Context(), bustest.Start(t).OpenBus(t))
	require.NoError(t, err)
	return l
}

// record records so many deliveries to the webhook w1 that have ended.
func record(t *testing.T, l *webhooks.Ledger, name string, n int, as webhooks.DeliveryState) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(32)
	for i := range n {
		all.Go(func() error {
			e := webhooks.Event{ID: fmt.Sprintf("%s-%d", name, i), Seq: uint64(i + 1), Type: "host.succeeded", Deployment: name}
			return l.Record(t.Context(), e.Of(webhooks.Webhook{ID: "w1"}, []byte("{}"), time.Now()).End(as, time.Now()))
		})
	}
	require.NoError(t, all.Wait())
}

func ids(t *testing.T, l *webhooks.Ledger, state webhooks.DeliveryState) (found []string) {
	t.Helper()
	all, _, err := l.Page(t.Context(), "w1", webhooks.Page{State: state, Limit: 10_000})
	require.NoError(t, err)
	for _, d := range all {
		found = append(found, d.ID)
	}
	return found
}

func TestWhatIsDeadIsSeenHoweverMuchIsDelivered(t *testing.T) {
	l := openLedger(t)
	const kept = 1000
	record(t, l, "bad", 2, webhooks.Dead)
	record(t, l, "good", kept+100, webhooks.Delivered)
	require.ElementsMatch(t, []string{"bad-0", "bad-1"}, ids(t, l, webhooks.Dead))
	require.Len(t, ids(t, l, webhooks.Delivered), kept)

	replay, err := l.Replay(t.Context(), "w1", "bad-1", "request", time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{"bad-1"}, ids(t, l, webhooks.Waiting))
	asked, err := l.NextAsked(t.Context(), 0)
	require.NoError(t, err)
	asked.Delivery = replay.End(webhooks.Delivered, time.Now())
	require.NoError(t, l.End(t.Context(), asked))
	record(t, l, "more", kept+100, webhooks.Delivered)
	require.Equal(t, []string{"bad-0"}, ids(t, l, webhooks.Dead), "what was delivered in the end is not dead again")
	d, err := l.Find(t.Context(), "w1", "bad-1")
	require.NoError(t, err)
	require.Equal(t, webhooks.Delivered, d.State)

	var ended int
	require.NoError(t, l.EndedAfter(t.Context(), 0, func(webhooks.Delivery) { ended++ }))
	require.Equal(t, kept+3, ended)
	require.NoError(t, l.Forget(t.Context(), "w1"))
	require.Empty(t, ids(t, l, ""))
}

func TestOfOneWebhookMoreDeadDeliveriesAreKeptThanOfOneSubject(t *testing.T) {
	l := openLedger(t)
	const dead = 3000
	record(t, l, "bad", dead, webhooks.Dead)
	require.Equal(t, dead, len(ids(t, l, webhooks.Dead))) //nolint:testifylint // it would print them all
}
