package auditlog

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// fill stores so many messages of so many entries each, one every 12 hours.
func fill(t *testing.T, b *bus.Bus, messages, each int) {
	t.Helper()
	head := audit.Genesis()
	var acks []jetstream.PubAckFuture
	for message := range messages {
		var data []byte
		for n := range each {
			e := entry(fmt.Sprint(message))
			e.Time, e.Outcome = begin.Add(time.Duration(each*message+n)*12*time.Hour), audit.Accepted
			line, next, err := head.Link(e)
			require.NoError(t, err)
			data, head = append(append(data, line...), '\n'), next
		}
		ack, err := b.JetStream().PublishAsync(contract.AuditLog, data, jetstream.WithStallWait(time.Minute))
		require.NoError(t, err)
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			require.NoError(t, err)
		}
	}
}

// A log of months is not read from end to end for a day of it.
func TestTimesAreFoundInALongLog(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	const days = 300
	fill(t, b, days, 2)
	l := open(t, b)
	require.Len(t, entries(t, l), 2*days)
	for _, oldest := range []bool{true, false} {
		q := Query{Oldest: oldest, Limit: 1000, From: begin.AddDate(0, 0, 100), To: begin.AddDate(0, 0, 102)}
		found, next, err := l.Page(t.Context(), q)
		require.NoError(t, err)
		require.Zero(t, next)
		require.Len(t, found, 4)
		p := pager{Query: q}
		if oldest {
			require.NoError(t, l.forwards(t.Context(), &p, days))
		} else {
			require.NoError(t, l.backwards(t.Context(), &p, days))
		}
		require.Less(t, p.looked, 10, "what is far from it is not looked at")
	}
}

// The work of a page does not grow with the log, nor with how little of it is asked for.
func TestAPageThatNothingFitsAsksTheBrokerForLittle(t *testing.T) {
	for name, log := range map[string]struct{ messages, each int }{
		"an entry a message":     {2*maxLooked + 100, 1},
		"many entries a message": {60, maxBatch},
	} {
		for _, oldest := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, oldest first %t", name, oldest), func(t *testing.T) {
				broker := bustest.Start(t)
				b := broker.OpenBus(t)
				fill(t, b, log.messages, log.each)
				l := open(t, b)
				asked := requests(t, b)
				q := Query{Oldest: oldest, Limit: 50, Actor: "nobody"}
				for pages := 1; ; pages++ {
					found, next, err := l.Page(t.Context(), q)
					require.NoError(t, err)
					require.Empty(t, found)
					// Of each read, the broker is asked to begin, for the messages, and to end.
					require.LessOrEqual(t, asked(), 1+3*(maxLooked/maxAtOnce+3))
					if next == (Place{}) {
						require.Equal(t, (log.messages*log.each+maxLooked-1)/maxLooked, pages, "each looks at as much as it may")
						return
					}
					q.After = next
				}
			})
		}
	}
}

func TestAPlaceThatWasMadeUpIsNotSoughtBeyondTheEnd(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	fill(t, b, 5, 1)
	l := open(t, b)
	asked := requests(t, b)
	for _, message := range []uint64{6, 1 << 40, math.MaxUint64} {
		found, next, err := l.Page(t.Context(), Query{Limit: 50, After: Place{Entry: 9, Message: message}})
		require.NoError(t, err)
		require.Zero(t, next)
		require.Len(t, found, 5)
		var newest audit.Entry
		require.NoError(t, json.Unmarshal(found[0], &newest))
		require.Equal(t, uint64(5), newest.Seq)
		require.Less(t, asked(), 10)

		found, next, err = l.Page(t.Context(), Query{Oldest: true, Limit: 50, After: Place{Entry: 9, Message: message}})
		require.NoError(t, err)
		require.Zero(t, next)
		require.Empty(t, found)
		require.Less(t, asked(), 10)
	}
}

// requests returns a function that says how many requests the broker has had about its streams since it was last asked.
func requests(t *testing.T, b *bus.Bus) func() int {
	t.Helper()
	nc := b.JetStream().Conn()
	sub, err := nc.SubscribeSync("$JS.API.>")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	return func() int {
		require.NoError(t, nc.Flush())
		count, _, err := sub.Pending()
		require.NoError(t, err)
		for range count {
			_, err := sub.NextMsg(patience)
			require.NoError(t, err)
		}
		return count
	}
}
