package courier

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

func TestALaneKeepsItsOrderAndTheFirstWhileItIsSent(t *testing.T) {
	for range 100 {
		var l lane
		for _, n := range rand.Perm(9) {
			l.insert(&parcel{order: strconv.Itoa(n + 1)})
		}
		require.True(t, slices.IsSortedFunc(l.parcels, func(a, b *parcel) int { return slices.Compare([]byte(a.order), []byte(b.order)) }))
	}
	sent := &parcel{order: "5"}
	l := lane{parcels: []*parcel{sent}, busy: true}
	l.insert(&parcel{order: "3"})
	l.insert(&parcel{order: "7"})
	require.Same(t, sent, l.parcels[0])
	require.Equal(t, "3", l.parcels[1].order)
}

func TestAReceiverThatFailsIsSentOneAtATimeUntilOneArrives(t *testing.T) {
	const atOnce = 3
	b := bustest.Start(t).OpenBus(t)
	store, err := webhooks.Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	// Nothing is really sent: there is no place for it.
	o := &office{cfg: Config{AtOnce: atOnce}, store: store, places: make(chan struct{}), keys: map[string]struct{}{}, queues: map[string]*queue{}}
	work, cut := context.WithCancel(t.Context())
	defer func() { cut(); o.all.Wait() }()
	q := newQueue(o, "w1")
	q.results = make(chan result, 100) // nobody reads them: the test says how it went
	for n := range 2 * atOnce {
		q.inbox = append(q.inbox, &parcel{key: strconv.Itoa(n), lane: strconv.Itoa(n)})
	}
	q.size = len(q.inbox)
	q.takeIn()
	sent := func() (busy []*lane) {
		q.begin(span{t.Context(), work})
		for _, l := range q.lanes {
			if l.busy {
				busy = append(busy, l)
			}
		}
		return busy
	}
	goes := func(l *lane, good bool) { q.settle(result{outcome{next: time.Now(), good: good}, l, l.parcels[0]}) }

	begun := sent()
	require.Len(t, begun, atOnce, "nothing is known against it")
	for _, l := range begun {
		goes(l, false)
	}
	for range 4 {
		begun = sent()
		require.Len(t, begun, 1, "the last try failed")
		goes(begun[0], false)
	}
	goes(sent()[0], true)
	require.Len(t, sent(), atOnce)
}
