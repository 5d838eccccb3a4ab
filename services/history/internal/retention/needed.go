package retention

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// place is where something runs.
type place struct{ application, host, path string }

// brought is that a deployment of a kind succeeded at a place or, with a version, that it
// brought this one there.
type brought struct {
	place
	deploy.Kind
	version string
}

// needed knows which deployments may be needed.
type needed struct {
	docs  facts
	named map[string]bool            // by id
	runs  map[place]deploy.Placement // what runs, of the applications that were asked about
	newer map[string][]deploy.Header // by application, newest first: those that have not been looked at
	last  map[brought]string         // the newest that brought it, among those that have been
}

// needs finds out what is needed of the applications of the candidates.
func needs(ctx context.Context, docs facts, all []deploy.Header, candidates []Choice) (*needed, error) {
	n := &needed{
		docs: docs, named: map[string]bool{}, runs: map[place]deploy.Placement{}, newer: map[string][]deploy.Header{}, last: map[brought]string{},
	}
	for _, c := range candidates {
		n.newer[c.Application] = nil
	}
	for application := range n.newer {
		if err := n.readRuns(ctx, application); err != nil {
			return nil, err
		}
	}
	type kind struct {
		application string
		deploy.Kind
	}
	succeeded := map[kind]bool{}
	for _, h := range all {
		of := kind{h.Application, h.Kind}
		if h.State == deploy.Succeeded && !succeeded[of] {
			succeeded[of], n.named[h.ID] = true, true
		}
		if _, asked := n.newer[h.Application]; asked {
			n.newer[h.Application] = append(n.newer[h.Application], h)
		}
	}
	var referred []string
	for _, h := range all {
		if n.named[h.ID] || !h.State.Terminal() {
			referred = append(referred, h.RollbackOf, h.RetryOf, h.RolledBackBy)
		}
	}
	for _, id := range referred {
		n.named[id] = true
	}
	return n, nil
}

// readRuns reads what runs of an application.
func (n *needed) readRuns(ctx context.Context, application string) error {
	var keys []fold.PartKey
	for part := range deploy.Parts {
		keys = append(keys, fold.PartKey{Application: application, Part: part})
	}
	parts, err := n.docs.Placements(ctx, keys)
	if err != nil {
		return fmt.Errorf("read what runs of %s: %w", application, err)
	}
	for _, part := range parts {
		for _, p := range part.All {
			n.runs[place{application, p.Host, p.Path}] = p
			n.named[p.Deployment] = true
		}
	}
	return nil
}

// lastAnywhere says whether a deployment is the newest of its kind that succeeded on some
// server, or that brought to one what runs there. Within an application, it must be asked
// about newer ones first.
func (n *needed) lastAnywhere(ctx context.Context, h deploy.Header) (bool, error) {
	open := map[brought]bool{}
	err := n.eachBrought(ctx, h, func(b brought) {
		if _, later := n.last[b]; !later && (b.version == "" || b.version == n.runs[b.place].Version) {
			open[b] = true
		}
	})
	for err == nil && len(open) > 0 {
		queue := n.newer[h.Application]
		if len(queue) == 0 || queue[0].ID == h.ID {
			return true, nil
		}
		next := queue[0]
		n.newer[h.Application] = queue[1:]
		err = n.eachBrought(ctx, next, func(b brought) {
			if _, later := n.last[b]; !later {
				n.last[b] = next.ID
			}
			delete(open, b)
		})
	}
	return false, err
}

// eachBrought calls do with what a deployment brought where. What a rollback brought is not
// rolled back.
func (n *needed) eachBrought(ctx context.Context, h deploy.Header, do func(brought)) error {
	for i := range h.Pieces() {
		key := fold.BucketKey{Deployment: h.ID, Index: i}
		found, err := n.docs.Buckets(ctx, []fold.BucketKey{key})
		if err != nil {
			return fmt.Errorf("read the targets of %s: %w", h.ID, err)
		}
		for _, t := range found[key].Targets {
			at := place{h.Application, t.Host, h.Path}
			if h.Kind == deploy.KindDeploy && t.Release != "" && t.State.Terminal() {
				do(brought{at, h.Kind, t.Release})
			}
			if t.State == deploy.Succeeded {
				do(brought{at, h.Kind, ""})
			}
		}
	}
	return nil
}
