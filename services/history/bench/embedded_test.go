//go:build bench

package bench

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// embedded is an embedded store as standalone has it: indexed by _id, and empty. It
// returns the time that its process has had on any core, too.
func embedded(t *testing.T) (s *store.Store, cpu func() time.Duration) {
	t.Helper()
	server := storetest.StartEmbedded(t)
	s, err := store.Open(store.Config{URI: server.URI, Database: server.Database, SingleWriter: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s, server.CPU
}

// recorder is a store that notes what is written, to have it written again by itself.
type recorder struct {
	*store.Store
	again []func(context.Context) error
	docs  []any
}

// beside is before the names of what is written again.
const beside = "beside-"

func (r *recorder) PutBuckets(ctx context.Context, c []fold.Change[deploy.Bucket]) error {
	return noted(ctx, r, c, r.Store.PutBuckets, func(b *deploy.Bucket) { b.Deployment = beside + b.Deployment })
}

func (r *recorder) PutHeaders(ctx context.Context, c []fold.Change[deploy.Header]) error {
	return noted(ctx, r, c, r.Store.PutHeaders, func(h *deploy.Header) { h.ID = beside + h.ID })
}

func (r *recorder) PutHosts(ctx context.Context, c []fold.Change[deploy.Hosts]) error {
	return noted(ctx, r, c, r.Store.PutHosts, func(h *deploy.Hosts) { h.Deployment = beside + h.Deployment })
}

func (r *recorder) PutStatistics(ctx context.Context, c []fold.Change[deploy.Statistics]) error {
	return noted(ctx, r, c, r.Store.PutStatistics, func(s *deploy.Statistics) { s.Application = beside + s.Application })
}

func (r *recorder) PutPlacements(ctx context.Context, c []fold.Change[deploy.Placements]) error {
	return noted(ctx, r, c, r.Store.PutPlacements, func(p *deploy.Placements) { p.Application = beside + p.Application })
}

func (r *recorder) PutDepartures(ctx context.Context, c []fold.Change[deploy.Departures]) error {
	return noted(ctx, r, c, r.Store.PutDepartures, func(d *deploy.Departures) { d.Application = beside + d.Application })
}

func noted[V any](ctx context.Context, r *recorder, c []fold.Change[V], write func(context.Context, []fold.Change[V]) error, rename func(*V)) error {
	var renamed []fold.Change[V]
	for _, change := range c {
		r.docs = append(r.docs, change.Doc)
		rename(&change.Doc)
		renamed = append(renamed, change)
	}
	r.again = append(r.again, func(ctx context.Context) error { return write(ctx, renamed) })
	return write(ctx, c)
}

// ceiling writes what was noted, in the same order and in the same bulks and under names
// of its own, and returns how long that takes.
func (r *recorder) ceiling(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	for _, write := range r.again {
		require.NoError(t, write(t.Context()))
	}
	return time.Since(began)
}

// size is how many bytes were written, as JSON.
func (r *recorder) size(t *testing.T) int {
	t.Helper()
	bytes := 0
	for _, doc := range r.docs {
		data, err := json.Marshal(doc)
		require.NoError(t, err)
		bytes += len(data)
	}
	return bytes
}
