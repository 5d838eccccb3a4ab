package retention

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Settled is for how long a deployment has ended at least before it is archived: nothing
// happens to it any more, and what replicas do not agree on is long past.
const Settled = time.Hour

// Choice is a deployment that may go.
type Choice struct {
	deploy.Header
	Why string
}

// facts are what is read to choose.
type facts interface {
	Placements(ctx context.Context, keys []fold.PartKey) (map[fold.PartKey]deploy.Placements, error)
	Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error)
}

// choose returns the deployments that may go, oldest first, among all there are. Those that
// spared names stay, and do not count.
//
// A deployment stays, whatever its policy says, while it may be needed: what runs on a server
// names it; it is the newest that brought to some server what runs there, so that rolling it
// back would change something; it is the newest of its kind that succeeded on some server, or
// of its application at all; or what runs somewhere, or has not ended, refers to it.
func choose(ctx context.Context, docs facts, all []deploy.Header, policies Policies, spared func(id string) bool, now time.Time) ([]Choice, error) {
	slices.SortFunc(all, func(a, b deploy.Header) int {
		return cmp.Or(b.AcceptedAt.Compare(a.AcceptedAt), cmp.Compare(b.ID, a.ID))
	})
	candidates := exceeding(all, policies, spared, now)
	if len(candidates) == 0 {
		return nil, nil
	}
	needed, err := needs(ctx, docs, all, candidates)
	if err != nil {
		return nil, err
	}
	var chosen []Choice
	for _, c := range candidates { // the newest first: what is newer is looked at once
		if needed.named[c.ID] {
			continue
		}
		last, err := needed.lastAnywhere(ctx, c.Header)
		if err != nil {
			return nil, err
		}
		if !last {
			chosen = append(chosen, c)
		}
	}
	slices.Reverse(chosen)
	return chosen, nil
}

// slim is as much of a header as is needed to choose among many.
func slim(h deploy.Header) deploy.Header {
	return deploy.Header{
		ID: h.ID, Kind: h.Kind, Project: h.Project, Application: h.Application, Path: h.Path, Version: h.Version, State: h.State,
		RollbackOf: h.RollbackOf, RetryOf: h.RetryOf, RolledBackBy: h.RolledBackBy, Targets: h.Pieces() * deploy.PieceSize,
		AcceptedAt: h.AcceptedAt, EndedAt: h.EndedAt,
	}
}

// exceeding returns the deployments that their policies let go, newest first.
func exceeding(all []deploy.Header, policies Policies, spared func(id string) bool, now time.Time) []Choice {
	count := map[string]int{}
	var found []Choice
	for _, h := range all {
		if spared(h.ID) {
			continue
		}
		count[h.Project]++
		if !h.State.Terminal() || now.Sub(h.EndedAt) < Settled {
			continue
		}
		if why := policies.Of(h.Project).exceeded(h.EndedAt, count[h.Project], now); why != "" {
			found = append(found, Choice{h, why})
		}
	}
	return found
}
