package numbers

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// Kind is what kind of object a number is of. Each kind counts for itself, from one.
type Kind string

// The kinds of objects that have numbers.
const (
	Server     Kind = "server"
	Deployment Kind = "deployment"
	Project    Kind = "project"
	Stage      Kind = "stage"
	Template   Kind = "template"
	Group      Kind = "group"
)

const atOnce = 32 // cells that are read, or written, side by side

// cell is what stands under a key: one of both.
type cell struct {
	Number uint64 `json:"number,omitempty"`
	ID     string `json:"id,omitempty"`
}

func (k Kind) last() string            { return string(k) + ".last" }
func (k Kind) of(id string) string     { return string(k) + ".of." + id }
func (k Kind) number(no uint64) string { return string(k) + ".no." + strconv.FormatUint(no, 10) }

// Store is the numbers of this installation. It may be used by many at once.
type Store struct{ cells *bus.Cells[cell] }

// Open opens the numbers.
func Open(ctx context.Context, b *bus.Bus) (*Store, error) {
	cells, err := bus.OpenCells[cell](ctx, b, contract.BucketNumbers)
	if err != nil {
		return nil, err
	}
	return &Store{cells}, nil
}

// Of returns the numbers of objects by their ids. Those that have none are given one, in the
// order of the ids. What objects there are is not looked at. It fails with
// bus.ErrUnavailable; which of the objects have a number then is open.
func (s *Store) Of(ctx context.Context, kind Kind, ids ...string) (map[string]uint64, error) {
	got, err := s.have(ctx, kind, ids)
	if err != nil {
		return nil, err
	}
	var without []string
	for _, id := range ids {
		if _, has := got[id]; !has {
			got[id] = 0 // once
			without = append(without, id)
		}
	}
	if len(without) == 0 {
		return got, nil
	}
	first, err := s.setAside(ctx, kind, len(without))
	if err != nil {
		return nil, err
	}
	err = each(ctx, without, func(ctx context.Context, i int, id string) (uint64, error) {
		return s.give(ctx, kind, id, first+uint64(i))
	}, got)
	return got, err
}

// ID returns the id of the object that has the number, or ErrNone.
func (s *Store) ID(ctx context.Context, kind Kind, number uint64) (string, error) {
	aside, _, err := s.cells.Get(ctx, kind.number(number))
	if err != nil {
		return "", none(err)
	}
	has, _, err := s.cells.Get(ctx, kind.of(aside.ID))
	switch {
	case err != nil:
		return "", none(err)
	case has.Number != number:
		return "", ErrNone
	}
	return aside.ID, nil
}

func none(err error) error {
	if errors.Is(err, bus.ErrNone) {
		return ErrNone
	}
	return err
}

// have returns the numbers of those objects that have one.
func (s *Store) have(ctx context.Context, kind Kind, ids []string) (map[string]uint64, error) {
	got := make(map[string]uint64, len(ids))
	err := each(ctx, ids, func(ctx context.Context, _ int, id string) (uint64, error) {
		has, _, err := s.cells.Get(ctx, kind.of(id))
		if errors.Is(err, bus.ErrNone) {
			return 0, nil
		}
		return has.Number, err
	}, got)
	return got, err
}

// setAside returns the first of so many numbers that nobody else gets.
func (s *Store) setAside(ctx context.Context, kind Kind, many int) (uint64, error) {
	last, err := s.cells.Change(ctx, kind.last(), func(have cell) (cell, bool, error) {
		return cell{Number: have.Number + uint64(many)}, true, nil
	})
	return last.Number - uint64(many) + 1, err
}

// give gives the object a number that was set aside for it, unless it has one by then, and
// returns the one that it has.
func (s *Store) give(ctx context.Context, kind Kind, id string, number uint64) (uint64, error) {
	// The way back comes first: a number that anybody was told leads to its object.
	for {
		err := s.create(ctx, kind.number(number), cell{ID: id})
		if err == nil {
			break
		}
		if !errors.Is(err, bus.ErrConflict) { // else the count is behind: an old copy of it was put back
			return 0, err
		}
		if number, err = s.setAside(ctx, kind, 1); err != nil {
			return 0, err
		}
	}
	err := s.create(ctx, kind.of(id), cell{Number: number})
	if !errors.Is(err, bus.ErrConflict) {
		return number, err
	}
	has, _, err := s.cells.Get(ctx, kind.of(id)) // another was first
	return has.Number, err
}

// create fails with bus.ErrConflict where another cell stands under the key.
func (s *Store) create(ctx context.Context, key string, c cell) error {
	_, err := s.cells.Create(ctx, key, c)
	if !errors.Is(err, bus.ErrConflict) {
		return err
	}
	have, _, read := s.cells.Get(ctx, key)
	if read != nil {
		return read
	}
	if have == c { // stored by an earlier try
		return nil
	}
	return err
}

// each does something for all ids, many at once, and adds the numbers other than 0 that come
// of it to got.
func each(ctx context.Context, ids []string, do func(context.Context, int, string) (uint64, error), got map[string]uint64) error {
	var mu sync.Mutex
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i, id := range ids {
		all.Go(func() error {
			number, err := do(ctx, i, id)
			if err != nil || number == 0 {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			got[id] = number
			return nil
		})
	}
	return all.Wait()
}
