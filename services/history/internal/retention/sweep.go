package retention

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

const (
	// tries is how often a deployment is archived anew that changes meanwhile.
	tries = 3
	// giveUp is after how many failures one waits for the next time: it is the archive, or
	// the store, and not one deployment.
	giveUp = 3
)

// Config says what goes, and where.
type Config struct {
	Policies Policies
	// RestoredFor is for how long a deployment stays that was brought back.
	RestoredFor time.Duration
}

// Sweeper archives deployments.
type Sweeper struct {
	cfg   Config
	docs  *store.Store
	place archive.Place
	// folded says whether the documents hold all events of a deployment.
	folded func(ctx context.Context, deployment string) (bool, error)
	// between calls a function while nothing is folded; see fold.Follower.
	between func(do func() error) error
	log     zerolog.Logger

	step func(name string) error // called before each step, in tests, to fail there
}

// NewSweeper returns a sweeper.
func NewSweeper(cfg Config, docs *store.Store, place archive.Place, folded func(context.Context, string) (bool, error),
	between func(do func() error) error, log zerolog.Logger,
) *Sweeper {
	return &Sweeper{
		cfg: cfg, docs: docs, place: place, folded: folded, between: between, log: log, step: func(string) error { return nil },
	}
}

// Choose returns the deployments that would go now, oldest first.
func (s *Sweeper) Choose(ctx context.Context, now time.Time) ([]Choice, error) {
	if s.cfg.Policies.KeepAll() {
		return nil, nil
	}
	unsettled, err := s.docs.Unsettled(ctx)
	if err != nil {
		return nil, err
	}
	spared := map[string]bool{}
	for _, a := range unsettled {
		spared[a.Deployment] = a.Removing || now.Sub(a.Restored) < s.cfg.RestoredFor
	}
	var all []deploy.Header
	err = s.docs.EachHeader(ctx, func(h deploy.Header) error {
		if !h.AcceptedAt.IsZero() { // its beginning is known
			all = append(all, slim(h))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return choose(ctx, s.docs, all, s.cfg.Policies, func(id string) bool { return spared[id] }, now)
}

// Sweep finishes what was begun before, archives all that goes now, and tells gone of each.
// It returns how many went. It fails with fold.ErrStandingBy where another replica folds.
func (s *Sweeper) Sweep(ctx context.Context, now time.Time, gone func(Choice)) (int, error) {
	if err := s.finish(ctx); err != nil {
		return 0, err
	}
	choices, err := s.Choose(ctx, now)
	if err != nil {
		return 0, err
	}
	n := 0
	var failed []error
	for _, c := range choices {
		switch came, err := s.archive(ctx, c.ID); {
		case err != nil && ctx.Err() != nil, errors.Is(err, fold.ErrStandingBy):
			return n, err
		case err != nil:
			if failed = append(failed, fmt.Errorf("archive %s: %w", c.ID, err)); len(failed) == giveUp {
				return n, errors.Join(failed...)
			}
		case came == went:
			n++
			gone(c)
		}
	}
	return n, errors.Join(failed...)
}

// finish removes what is left of deployments that were being removed.
func (s *Sweeper) finish(ctx context.Context) error {
	unsettled, err := s.docs.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, a := range unsettled {
		if !a.Removing {
			continue
		}
		came, err := s.archive(ctx, a.Deployment)
		if err == nil && came == absent {
			err = s.remove(ctx, a)
		}
		if err != nil {
			return fmt.Errorf("archive %s to the end: %w", a.Deployment, err)
		}
	}
	return nil
}

// outcome is what came of having a deployment go.
type outcome int

const (
	waits  outcome = iota // it is there, and does not go yet
	absent                // it has no header: nobody is shown it
	went
)

// archive has a deployment go.
func (s *Sweeper) archive(ctx context.Context, id string) (outcome, error) {
	var changed error
	for range tries {
		headers, err := s.docs.Headers(ctx, []string{id})
		if err != nil {
			return waits, err
		}
		h, there := headers[id]
		if !there {
			return absent, nil
		}
		if whole, err := s.folded(ctx, id); err != nil || !whole {
			return waits, err
		}
		a, err := s.store(ctx, h)
		if errors.Is(err, errChanged) || errors.Is(err, archive.ErrMore) {
			changed = err
			continue
		}
		if err != nil {
			return waits, err
		}
		return went, s.remove(ctx, a)
	}
	s.log.Warn().Err(changed).Str("deployment", id).Msg("a deployment that was to be archived stays for now")
	return waits, nil
}

// store writes a deployment to the archive, and takes its header away.
func (s *Sweeper) store(ctx context.Context, h deploy.Header) (fold.Archived, error) {
	of := archive.Deployment{ID: h.ID, Project: h.Project, Application: h.Application}
	a := fold.Archived{Deployment: h.ID, File: archive.Name(of, h.AcceptedAt), Pieces: h.Pieces(), Removing: true}
	if err := s.step("write the file"); err != nil {
		return a, err
	}
	var was standing
	err := s.place.Put(ctx, a.File, func(to io.Writer) (err error) {
		was, err = s.write(ctx, to, of, a.Pieces)
		return err
	})
	if err != nil {
		return a, err
	}
	a.At = time.Now().UTC().Truncate(time.Millisecond)
	return a, s.between(func() error {
		is, err := s.look(ctx, h.ID, a.Pieces)
		switch {
		case err != nil:
			return err
		case !maps.Equal(was, is):
			return errChanged
		}
		if err := s.step("note it"); err != nil {
			return err
		}
		if err := s.docs.PutArchived(ctx, a); err != nil {
			return err
		}
		if err := s.step("remove the header"); err != nil {
			return err
		}
		err = s.docs.RemoveHeader(ctx, h.ID, was[h.ID])
		if errors.Is(err, fold.ErrConflict) { // by a replica that does not know yet that it was replaced
			return fmt.Errorf("%w: %w", errChanged, err)
		}
		return err
	})
}

// remove removes what is left of a deployment, and notes that nothing is.
func (s *Sweeper) remove(ctx context.Context, a fold.Archived) error {
	if err := s.step("remove the others"); err != nil {
		return err
	}
	if err := s.docs.RemoveOwn(ctx, a.Deployment, a.Pieces); err != nil {
		return err
	}
	if err := s.step("note the end"); err != nil {
		return err
	}
	a.Removing, a.Pieces = false, 0
	return s.docs.PutArchived(ctx, a)
}
