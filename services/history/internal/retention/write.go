package retention

import (
	"context"
	"fmt"
	"io"
	"maps"

	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// standing is which event the documents of a deployment stand at, by id: its header, which
// every event of it moves on that is not output, and where its output is.
type standing map[string]uint64

// write writes the documents of a deployment, and returns how they stood.
func (s *Sweeper) write(ctx context.Context, to io.Writer, of archive.Deployment, pieces int) (standing, error) {
	was, err := s.look(ctx, of.ID, pieces) // before: what changes while they are read is seen
	if err != nil {
		return nil, err
	}
	if was[of.ID] == 0 {
		return nil, fmt.Errorf("%w: its header is gone", errChanged)
	}
	w, err := archive.NewWriter(to, of)
	if err != nil {
		return nil, err
	}
	err = s.docs.Own(ctx, of.ID, pieces, func(collection string, d store.Document) error {
		return w.Add(archive.Document{Collection: collection, Raw: d.Raw})
	})
	if err != nil {
		return nil, err
	}
	// What another sweeper takes away while this one reads is missing from what was read.
	is, err := s.look(ctx, of.ID, pieces)
	switch {
	case err != nil:
		return nil, err
	case !maps.Equal(was, is):
		return nil, errChanged
	}
	return was, w.End()
}

// look returns how the documents of a deployment stand.
func (s *Sweeper) look(ctx context.Context, id string, pieces int) (standing, error) {
	at := standing{}
	headers, err := s.docs.Headers(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if h, there := headers[id]; there {
		at[id] = h.Seq
	}
	var keys []fold.BucketKey
	for i := range pieces {
		keys = append(keys, fold.BucketKey{Deployment: id, Index: i})
	}
	outputs, err := s.docs.Outputs(ctx, keys)
	if err != nil {
		return nil, err
	}
	for key, o := range outputs {
		at[fmt.Sprintf("%s/%d", key.Deployment, key.Index)] = o.Seq
	}
	return at, nil
}
