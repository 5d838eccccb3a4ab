//go:build bench

package bench

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

const atOnce = 200 // hosts that executors work on

// fleet is the events of deployments that no other round has.
type fleet struct {
	round    int
	messages []foldtest.Message
}

func newFleet(round, deployments, hosts int) fleet {
	return fleet{round, foldtest.Fleet(deployments, hosts, atOnce)}
}

// decode decodes up to n events from first on.
func (f fleet) decode(first, n int) []fold.Entry {
	var all []fold.Entry
	for i, m := range f.messages[first:min(first+n, len(f.messages))] {
		e := fold.Decode(uint64(f.round+1)<<40+uint64(first+i), m.Subject, time.Time{}, m.Data)
		e.Deployment = fmt.Sprintf("r%d%s", f.round, e.Deployment[2:])
		all = append(all, e)
	}
	return all
}

// known has a store know of deployments that ended before those of a fleet began.
func known(t *testing.T, s fold.Store, deployments int) {
	t.Helper()
	var headers []fold.Change[deploy.Header]
	var targets []fold.Change[deploy.Bucket]
	var hosts []fold.Change[deploy.Hosts]
	for i := range deployments {
		h := foldtest.FullHeader(fmt.Sprintf("h%019d", i), uint64(i+1))
		h.State, h.AcceptedAt = deploy.Succeeded, h.AcceptedAt.Add(time.Duration(i-deployments)*time.Minute)
		headers = append(headers, fold.Change[deploy.Header]{Doc: h})
		targets = append(targets, fold.Change[deploy.Bucket]{Doc: foldtest.FullBucket(h.ID, 0, h.Seq)})
		on := foldtest.FullHosts(h.ID, 0, h.Seq)
		on.AcceptedAt = h.AcceptedAt
		hosts = append(hosts, fold.Change[deploy.Hosts]{Doc: on})
	}
	var failed [2]error
	var both sync.WaitGroup // and no more: see store.bulkSize
	both.Go(func() { failed[0] = s.PutHeaders(t.Context(), headers) })
	both.Go(func() { failed[1] = errors.Join(s.PutBuckets(t.Context(), targets), s.PutHosts(t.Context(), hosts)) })
	both.Wait()
	for _, err := range failed {
		require.NoError(t, err)
	}
}
