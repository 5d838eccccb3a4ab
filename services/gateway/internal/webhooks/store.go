package webhooks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
)

// keepCallback is how long the callback of a deployment that has ended can still be looked at.
const keepCallback = 24 * time.Hour

// Store is the webhooks of this installation.
type Store struct {
	bus   *bus.Bus
	cells *bus.Cells[Webhook]
	view  *mirror.Mirror[Webhook]
}

// Open opens the webhooks and reads all of them.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Store, error) {
	cells, err := bus.OpenCells[Webhook](ctx, b, contract.BucketWebhooks)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open[Webhook](ctx, b, contract.BucketWebhooks, nil, log)
	if err != nil {
		return nil, err
	}
	return &Store{b, cells, view}, view.Refresh(ctx)
}

// Create stores a new webhook and returns it with its revision. It is told of what happens from then on. Creating again
// what an earlier attempt with the same id left behind gives that.
func (s *Store) Create(ctx context.Context, w Webhook) (Webhook, uint64, error) {
	last, err := s.Last(ctx)
	if err != nil {
		return w, 0, err
	}
	w.Since = last
	rev, err := s.cells.Create(ctx, w.ID, w)
	if errors.Is(err, bus.ErrConflict) {
		return s.Read(ctx, w.ID)
	}
	return w, rev, err
}

// Last is the last event so far; 0: there is none.
func (s *Store) Last(ctx context.Context) (uint64, error) {
	last, err := s.bus.Last(ctx, contract.StreamEvents, contract.EventsAll)
	if errors.Is(err, bus.ErrNone) {
		return 0, nil
	}
	return last.Seq, err
}

// cell is where a webhook is stored.
func (s *Store) cell(id string) revision.Cell[Webhook] {
	return revision.Cell[Webhook]{
		Read: func(ctx context.Context) (Webhook, uint64, error) { return s.Read(ctx, id) },
		Write: func(ctx context.Context, _, next Webhook, rev uint64) (uint64, error) {
			return revision.Set(ctx, s.cells, id, next, rev)
		},
		Remove: func(ctx context.Context, _ Webhook, rev uint64) error { return s.cells.Delete(ctx, id, rev) },
		Gone:   ErrNotFound,
	}
}

// Change lets fn change a webhook and returns the result with its revision; see revision.Cell.
func (s *Store) Change(ctx context.Context, id string, must uint64, fn func(Webhook) (Webhook, error)) (Webhook, uint64, error) {
	return s.cell(id).Change(ctx, must, fn)
}

// Delete removes a webhook; must is as for Change. What was under way to it is not sent.
func (s *Store) Delete(ctx context.Context, id string, must uint64) error {
	return s.cell(id).Delete(ctx, must)
}

// Read returns a webhook and its revision as it is stored now, or ErrNotFound.
func (s *Store) Read(ctx context.Context, id string) (Webhook, uint64, error) {
	if !contract.ValidToken(id) {
		return Webhook{}, 0, ErrNotFound
	}
	w, rev, err := s.cells.Get(ctx, id)
	if errors.Is(err, bus.ErrNone) {
		err = ErrNotFound
	}
	return w, rev, err
}

// Get returns a webhook and its revision, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id string) (Webhook, uint64, error) {
	if err := s.view.Refresh(ctx); err != nil {
		return Webhook{}, 0, err
	}
	if e, ok := s.view.Get(id); ok {
		return e.Value, e.Revision, nil
	}
	return Webhook{}, 0, ErrNotFound
}

// Filter chooses webhooks. What is empty is no condition.
type Filter struct {
	Fits  func(Webhook) bool // nil: all do
	State State
	After string // id of the last one of the page before
	Limit int
}

// List returns the webhooks that match, by id and so oldest first, without callbacks, and whether there are more than the
// limit.
func (s *Store) List(ctx context.Context, f Filter) (found []Webhook, more bool, err error) {
	if err := s.view.Refresh(ctx); err != nil {
		return nil, false, err
	}
	found = s.matching(func(w Webhook) bool {
		return w.Deployment == "" && w.ID > f.After && (f.State == "" || w.State == f.State) && (f.Fits == nil || f.Fits(w))
	})
	slices.SortFunc(found, func(a, b Webhook) int { return cmp.Compare(a.ID, b.ID) })
	if f.Limit > 0 && len(found) > f.Limit {
		return found[:f.Limit], true, nil
	}
	return found, false, nil
}

func (s *Store) matching(fits func(Webhook) bool) []Webhook {
	var found []Webhook
	s.view.View(func(all map[string]mirror.Entry[Webhook]) {
		for _, e := range all {
			if fits(e.Value) {
				found = append(found, e.Value)
			}
		}
	})
	return found
}

// Refresh brings the copy that answers come from up to date.
func (s *Store) Refresh(ctx context.Context) error { return s.view.Refresh(ctx) }

// Tally returns how many webhooks there are of each state, as the copy has them, and how
// many of those that are active fail.
func (s *Store) Tally() (byState map[State]int, failing int) {
	byState = map[State]int{Active: 0, Paused: 0, Disabled: 0}
	for _, w := range s.matching(func(Webhook) bool { return true }) {
		byState[w.State]++
		if w.State == Active && w.Failing != nil {
			failing++
		}
	}
	return byState, failing
}

// Known returns a webhook as the copy has it.
func (s *Store) Known(id string) (Webhook, bool) {
	e, ok := s.view.Get(id)
	return e.Value, ok
}

// Audience is who may be told of events, as the copy had it at one moment.
type Audience struct {
	all   []Webhook
	store *Store
}

// Audience returns everybody but callbacks, which are looked up as their deployments come by.
func (s *Store) Audience() Audience {
	return Audience{s.matching(func(w Webhook) bool { return w.Deployment == "" && w.State != Disabled }), s}
}

// Of returns who is to be told of the event.
func (a Audience) Of(e Event) []Webhook {
	var told []Webhook
	for _, w := range a.all {
		if w.wants(e) {
			told = append(told, w)
		}
	}
	if w, ok := a.store.Known(e.Deployment); ok && w.wants(e) {
		told = append(told, w)
	}
	return told
}

// Formed returns the callback of the deployment, if it is told in a form, as of an event.
func (a Audience) Formed(deployment string, seq uint64) (Webhook, bool) {
	w, ok := a.store.Known(deployment)
	return w, ok && w.formed(seq)
}

// WantsHosts says whether anybody may be told of events about single hosts, of which there are many.
func (s *Store) WantsHosts() bool {
	return len(s.matching(func(w Webhook) bool {
		if w.State == Disabled || w.Over != nil {
			return false
		}
		return w.Format != "" || slices.ContainsFunc(w.Events, func(p string) bool { return p == "*" || strings.HasPrefix(p, "host.") })
	})) > 0
}

// First returns the event after which the first of all webhooks is to be told, and false where there is none.
func (s *Store) First() (since uint64, any bool) {
	for _, w := range s.matching(func(w Webhook) bool { return w.State != Disabled && w.Over == nil }) {
		if !any || w.Since < since {
			since, any = w.Since, true
		}
	}
	return since, any
}

// Untold returns the webhooks that Slipway stopped and others are still to be told of.
func (s *Store) Untold() []Webhook { return s.matching(func(w Webhook) bool { return w.Untold }) }

// Told notes that others were told why Slipway stopped the webhook.
func (s *Store) Told(ctx context.Context, w Webhook) error {
	_, _, err := s.Change(ctx, w.ID, 0, func(now Webhook) (Webhook, error) {
		if now.Stopped != nil && w.Stopped != nil && now.Stopped.At.Equal(w.Stopped.At) {
			now.Untold = false
		}
		return now, nil
	})
	return ignoreGone(err)
}

// Ended notes that the deployment whose callback it is has ended.
func (s *Store) Ended(ctx context.Context, id string, now time.Time) error {
	_, _, err := s.Change(ctx, id, 0, func(w Webhook) (Webhook, error) {
		if w.Over == nil {
			w.Over = &now
		}
		return w, nil
	})
	return ignoreGone(err)
}

// ignoreGone is for what need not be noted of a webhook that is no more.
func ignoreGone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Sweep removes callbacks of deployments that have ended a day ago, and those of which none came, longer ago than age.
func (s *Store) Sweep(ctx context.Context, age time.Duration, exists func(ctx context.Context, deployment string) (bool, error)) error {
	if err := s.view.Refresh(ctx); err != nil {
		return err
	}
	for _, w := range s.matching(func(w Webhook) bool { return w.Deployment != "" && time.Since(w.CreatedAt) > age }) {
		gone := w.Over != nil && time.Since(*w.Over) > keepCallback
		if w.Over == nil {
			there, err := exists(ctx, w.Deployment)
			if err != nil {
				return err
			}
			gone = !there
		}
		if !gone {
			continue
		}
		if err := ignoreGone(s.Delete(ctx, w.ID, 0)); err != nil {
			return err
		}
	}
	return nil
}
