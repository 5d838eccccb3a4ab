package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

const (
	// rounds is how often documents are compared again that have moved on meanwhile.
	rounds = 10
	// told is how many differences are named.
	told = 20
)

// Difference is a document that is not what the events make of it.
type Difference struct {
	Collection, ID string
	Where          string // the first field that differs
}

func (d Difference) String() string { return d.Collection + " " + d.ID + ": " + d.Where }

// Outcome is what came of a comparison.
type Outcome struct {
	Seq         uint64 // last event that was replayed
	Alike       int
	Passed      int          // documents that cannot be made anew
	Foreign     []string     // the first of these that are there though EV keeps its first event
	Archived    int          // documents that are in the archive alone
	Moving      int          // documents that moved on whenever they were compared
	Differences []Difference // the first ones
	Differ      int          // how many there are
	Replaced    int          // or removed
}

// note counts a document that differs.
func (o *Outcome) note(d Difference) {
	o.Differ++
	if len(o.Differences) < told {
		o.Differences = append(o.Differences, d)
	}
}

// changed counts a document that was put right, unless another was first.
func (o *Outcome) changed(err error) error {
	switch {
	case errors.Is(err, fold.ErrConflict):
		o.Moving++
		return nil
	case err == nil:
		o.Replaced++
	}
	return err
}

// Rebuild compares live documents with fresh ones.
type Rebuild struct {
	live, fresh *store.Store
	replay      *fold.Replay
	log         zerolog.Logger
	swap        bool
	gone        map[string]bool // deployments that are archived
	partial     map[string]bool // deployments whose beginning is not kept
	origins     map[string]origin
	last        uint64 // event that there is, as far as is known
}

// Run makes all documents anew in fresh, which is emptied first and last, and
// compares. With swap set, fresh documents take the place of live ones that differ,
// while the replicas of history stand by.
func Run(ctx context.Context, b *bus.Bus, live, fresh *store.Store, swap bool, log zerolog.Logger) (Outcome, error) {
	if err := fresh.Empty(ctx); err != nil {
		return Outcome{}, err
	}
	defer func() { _ = fresh.Empty(context.WithoutCancel(ctx)) }() // the next one empties it, too
	replay, err := fold.NewReplay(ctx, b, fresh, log)
	if err != nil {
		return Outcome{}, err
	}
	r := &Rebuild{
		live: live, fresh: fresh, replay: replay, log: log, swap: swap,
		gone: map[string]bool{}, partial: map[string]bool{}, origins: map[string]origin{},
	}
	if _, err := replay.Run(ctx); err != nil { // the long one, while the replicas fold
		return Outcome{}, err
	}
	if swap {
		release, err := fold.Take(ctx, live, log)
		if release != nil {
			defer release()
		}
		if err != nil {
			return Outcome{}, fmt.Errorf("have the replicas stand by: %w", err)
		}
	}
	return r.compare(ctx)
}

// compare replays on and compares until no document is ahead of its other self.
func (r *Rebuild) compare(ctx context.Context) (Outcome, error) {
	var o Outcome
	for range rounds {
		at, err := r.replay.Run(ctx)
		if err != nil {
			return o, err
		}
		r.last = max(r.last, at)
		o = Outcome{Seq: at, Replaced: o.Replaced}
		for _, collection := range store.Folded() {
			err := r.fresh.Each(ctx, collection, func(d store.Document) error { return r.look(ctx, collection, d, &o) })
			if err == nil {
				err = r.live.Each(ctx, collection, func(d store.Document) error { return r.lookBeyond(ctx, collection, d, &o) })
			}
			if err != nil {
				return o, err
			}
		}
		if o.Moving == 0 {
			break
		}
	}
	return o, nil
}

// look compares one document, and replaces it where it is to be and can.
func (r *Rebuild) look(ctx context.Context, collection string, fresh store.Document, o *Outcome) error {
	live, there, err := r.live.Read(ctx, collection, fresh.ID)
	if err != nil {
		return err
	}
	passed, err := r.passes(ctx, collection, fresh)
	if err != nil {
		return err
	}
	if !there && slices.Contains(store.OfDeployments(), collection) {
		if gone, err := r.isGone(ctx, fresh.Deployment()); err != nil || gone {
			o.Archived++
			return err
		}
	}
	switch {
	case passed || there && live.Installation != fresh.Installation:
		o.Passed++
		return nil
	case there && live.Seq == fresh.Seq && live.Difference(fresh) == "":
		o.Alike++
		return nil
	}
	where, err := r.differs(ctx, live, there, fresh)
	if err != nil {
		return err
	}
	if where == "" {
		o.Moving++
		return nil
	}
	o.note(Difference{collection, fresh.ID, where})
	if !r.swap {
		return nil
	}
	return o.changed(r.live.Replace(ctx, collection, fresh, live.Seq))
}

// differs says in what a document differs from its fresh other self; "": one of them may be
// ahead, and the next round has both.
func (r *Rebuild) differs(ctx context.Context, live store.Document, there bool, fresh store.Document) (string, error) {
	switch {
	case there && live.Seq == fresh.Seq:
		return live.Difference(fresh), nil
	case there && live.Seq > fresh.Seq:
		if been, err := r.hasBeen(ctx, live.Seq); err != nil || been {
			return "", err
		}
		return fmt.Sprintf("it stands at event %d, which there has not been", live.Seq), nil
	}
	if behind, err := r.behind(ctx, fresh.Seq); err != nil || behind && !r.swap {
		return "", err
	}
	if !there {
		return "it is not there", nil
	}
	return fmt.Sprintf("it stands at event %d, not %d", live.Seq, fresh.Seq), nil
}

// passes says whether a document cannot be made anew.
func (r *Rebuild) passes(ctx context.Context, collection string, d store.Document) (bool, error) {
	if d.Installation != "" {
		return r.replay.First > 1, nil // of several deployments
	}
	if collection == "setaside" {
		return false, nil
	}
	of := d.Deployment()
	partial, known := r.partial[of]
	if !known {
		h, there, err := r.fresh.Read(ctx, "deployments", of)
		if err != nil {
			return false, err
		}
		partial = !there || !h.Whole()
		r.partial[of] = partial
	}
	return partial, nil
}

// isGone says whether a deployment is in the archive alone.
func (r *Rebuild) isGone(ctx context.Context, deployment string) (bool, error) {
	if r.gone[deployment] {
		return true, nil
	}
	archived, err := r.live.Archived(ctx, []string{deployment})
	if archived[deployment].Gone() {
		r.gone[deployment] = true
	}
	return r.gone[deployment], err
}

// behind says whether the live documents are not known to hold this event yet.
func (r *Rebuild) behind(ctx context.Context, seq uint64) (bool, error) {
	at, err := r.live.Checkpoint(ctx)
	return at.Seq < seq || at.Installation != r.replay.Installation, err
}

// hasBeen says whether there is an event of this sequence by now.
func (r *Rebuild) hasBeen(ctx context.Context, seq uint64) (bool, error) {
	if seq <= r.last {
		return true, nil
	}
	last, err := r.replay.Last(ctx)
	r.last = max(r.last, last)
	return seq <= r.last, err
}
