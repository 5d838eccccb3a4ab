package auditlog

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/audit/chain"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const patience = time.Minute

func open(t *testing.T, b *bus.Bus) *Log {
	t.Helper()
	l, err := Open(t.Context(), b, zerolog.Nop())
	require.NoError(t, err)
	t.Cleanup(l.Close)
	return l
}

func entry(request string) audit.Entry {
	return audit.Entry{Action: "servers.create", Request: request, Time: time.Now().UTC()}
}

// entries returns those that the log holds, after it was verified.
func entries(t *testing.T, l *Log) []audit.Entry {
	t.Helper()
	var all []audit.Entry
	found, err := audit.Verify(func(yield func([]byte, error) bool) {
		q := Query{Oldest: true, Limit: 100}
		for {
			page, next, err := l.Page(t.Context(), q)
			require.NoError(t, err)
			for _, line := range page {
				var e audit.Entry
				require.NoError(t, json.Unmarshal(line, &e))
				all = append(all, e)
				if !yield(line, nil) {
					return
				}
			}
			if next == (Place{}) {
				return
			}
			q.After = next
		}
	}, nil)
	require.NoError(t, err)
	require.Nil(t, found.Flaw)
	return all
}

func TestWritersThatContendLoseNothingAndRepeatNothing(t *testing.T) {
	broker := bustest.Start(t)
	const writers, each = 4, 100
	var all sync.WaitGroup
	logs := make([]*Log, writers)
	for w := range writers {
		logs[w] = open(t, broker.OpenBus(t))
	}
	for w, l := range logs {
		for n := range each {
			all.Go(func() {
				id := fmt.Sprintf("%d-%d", w, n)
				ticket := l.Ask(entry(id))
				if err := l.Wait(t.Context(), ticket); err != nil {
					t.Error(err)
				}
				e := entry(id)
				e.Outcome = audit.Accepted
				l.Tell(e, ticket)
			})
		}
	}
	all.Wait()
	for _, l := range logs {
		l.Close()
	}
	asked := map[string]uint64{}
	for _, e := range entries(t, logs[0]) {
		if e.Outcome == audit.Asked {
			require.Zero(t, asked[e.Request], "twice")
			asked[e.Request] = e.Seq
			continue
		}
		require.Equal(t, asked[e.Request], e.Asked, "it names the entry that says that it was asked for")
		delete(asked, e.Request)
	}
	require.Empty(t, asked, "what became of these is not there")
	last, err := logs[0].bus.Last(t.Context(), contract.StreamAudit, contract.AuditLog)
	require.NoError(t, err)
	require.Less(t, last.Seq, uint64(2*writers*each), "what waits is stored together")
}

func TestWhileTheBrokerIsAwayNothingIsSaidToBeStored(t *testing.T) {
	broker := bustest.Start(t)
	l := open(t, broker.OpenBus(t))
	require.NoError(t, l.Wait(t.Context(), l.Ask(entry("before"))))
	broker.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	taken := l.Ask(entry("taken")) // the writer tries
	require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return taken.state != waits }, patience, time.Millisecond)
	left := l.Ask(entry("left"))
	require.ErrorIs(t, l.Wait(ctx, left), ErrNotStored)
	told := entry("left")
	told.Outcome = audit.Failed
	l.Tell(told, left)
	for range maxWaiting + 3 {
		l.Tell(told, left)
	}
	require.ErrorIs(t, l.Wait(t.Context(), l.Ask(entry("no room"))), ErrNotStored)

	broker.Restart()
	require.NoError(t, l.Wait(t.Context(), taken))
	var found []audit.Entry
	require.Eventually(t, func() bool {
		found = entries(t, l)
		return len(found) > maxWaiting
	}, patience, 10*time.Millisecond)
	require.Equal(t, []string{"before", "taken", "left"}, []string{found[0].Request, found[1].Request, found[2].Request})
	require.Equal(t, audit.Failed, found[2].Outcome, "what was given up is not said to be about to be done")
	require.Zero(t, found[2].Asked)
	lost := found[len(found)-1]
	require.Equal(t, ActionLost, lost.Action)
	require.Len(t, found, 2+maxWaiting, "one that was given up, and one that says what there was no room for")
	require.Equal(t, 5, lost.Count)
}

func TestAnEntryThatNoGatewayWroteStopsTheLogAndIsShown(t *testing.T) {
	b := bustest.Start(t).OpenBus(t)
	l := open(t, b)
	require.NoError(t, l.Wait(t.Context(), l.Ask(entry("before"))))
	_, err := b.Publish(t.Context(), contract.AuditLog, "", []byte("forged"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Wait(ctx, l.Ask(entry("after"))), ErrNotStored)
	_, err = Open(t.Context(), b, zerolog.Nop())
	require.ErrorIs(t, err, chain.ErrBroken)
	for _, oldest := range []bool{true, false} {
		page, next, err := l.Page(t.Context(), Query{Oldest: oldest, Limit: 5})
		require.NoError(t, err)
		require.Zero(t, next)
		require.Contains(t, fmt.Sprintf("%s", page), `"forged"`, "whoever verifies comes to see it")
		require.Len(t, page, 2)
	}
}
