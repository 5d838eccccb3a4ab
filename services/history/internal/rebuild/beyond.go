package rebuild

import (
	"context"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// skew is by how much the clocks of those who accept deployments and of the broker may differ.
const skew = time.Hour

// origin is where a live document comes from that a replay has not made.
type origin int

const (
	older    origin = iota // from events that are not kept, as far as can be said
	archived               // it is being archived, or was brought back
	nowhere                // the events that are kept would have made it
)

// lookBeyond looks at one live document. Where it has no fresh other self and should have one,
// it is removed if it is to be and can.
func (r *Rebuild) lookBeyond(ctx context.Context, collection string, live store.Document, o *Outcome) error {
	_, there, err := r.fresh.Read(ctx, collection, live.ID)
	if err != nil || there {
		return err
	}
	if live.Seq > o.Seq {
		if been, err := r.hasBeen(ctx, live.Seq); err != nil || been {
			o.Moving++ // folded since; the next round has it, too
			return err
		}
	}
	from, err := r.originOf(ctx, collection, live)
	switch {
	case err != nil:
		return err
	case from == archived:
		o.Archived++
		return nil
	case from == older:
		o.pass(collection, live.ID, r.replay.First)
		return nil
	}
	o.note(Difference{collection, live.ID, "no event speaks of it"})
	if !r.swap {
		return nil
	}
	return o.changed(r.live.Remove(ctx, collection, live.ID, live.Seq))
}

// pass counts a document that cannot be made anew. Where EV keeps its first event, there is
// none by rights, unless another EV was there before it.
func (o *Outcome) pass(collection, id string, first uint64) {
	o.Passed++
	if first <= 1 && len(o.Foreign) < told {
		o.Foreign = append(o.Foreign, collection+" "+id)
	}
}

// originOf says where a live document comes from that has no fresh other self.
func (r *Rebuild) originOf(ctx context.Context, collection string, live store.Document) (origin, error) {
	switch {
	case live.Installation != "": // of several deployments
		return nowhereIf(r.replay.First <= 1 && live.Installation == r.replay.Installation), nil
	case !slices.Contains(store.OfDeployments(), collection): // set aside
		return nowhereIf(r.isSince(live.Time("at"))), nil
	}
	of := live.Deployment()
	if from, known := r.origins[of]; known {
		return from, nil // its header may have been removed
	}
	from, err := r.originOfDeployment(ctx, of)
	if err == nil {
		r.origins[of] = from
	}
	return from, err
}

func (r *Rebuild) originOfDeployment(ctx context.Context, deployment string) (origin, error) {
	noted, err := r.live.Archived(ctx, []string{deployment})
	if err != nil {
		return older, err
	}
	if _, is := noted[deployment]; is {
		return archived, nil
	}
	fresh, there, err := r.fresh.Read(ctx, "deployments", deployment)
	if err != nil || there {
		return nowhereIf(there && fresh.Whole()), err
	}
	live, there, err := r.live.Read(ctx, "deployments", deployment)
	return nowhereIf(there && r.isSince(live.Time("accepted_at"))), err
}

// isSince says whether what happened then is in EV for certain.
func (r *Rebuild) isSince(at time.Time) bool { return at.After(r.replay.Since.Add(skew)) }

func nowhereIf(is bool) origin {
	if is {
		return nowhere
	}
	return older
}
