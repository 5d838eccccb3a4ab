package numbers

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// Keep has an object have a number that others know it by already, and says whether that
// is new. It fails with ErrTaken where the number is, or was, that of another one, and with
// ErrNumbered where the object has another number; nothing is given then. The count goes on
// behind the greatest number that was kept.
func (s *Store) Keep(ctx context.Context, kind Kind, id string, number uint64) (given bool, err error) {
	if has, err := s.CanKeep(ctx, kind, id, number); has || err != nil {
		return false, err
	}
	// The count comes first: the next numbers that are set aside are behind this one.
	_, err = s.cells.Change(ctx, kind.last(), func(have cell) (cell, bool, error) {
		return cell{Number: max(have.Number, number)}, have.Number < number, nil
	})
	if err != nil {
		return false, err
	}
	switch err := s.create(ctx, kind.number(number), cell{ID: id}); {
	case errors.Is(err, bus.ErrConflict):
		return false, ErrTaken
	case err != nil:
		return false, err
	}
	err = s.create(ctx, kind.of(id), cell{Number: number})
	if errors.Is(err, bus.ErrConflict) { // another was first
		_, err = s.CanKeep(ctx, kind, id, number)
		return false, err
	}
	return err == nil, err
}

// CanKeep says whether an object has the number, and fails as Keep would. An object that is
// not there yet is "". Nothing is given.
func (s *Store) CanKeep(ctx context.Context, kind Kind, id string, number uint64) (has bool, err error) {
	if id != "" {
		its, _, err := s.cells.Get(ctx, kind.of(id))
		switch {
		case err == nil && its.Number == number:
			return true, nil
		case err == nil:
			return false, fmt.Errorf("%w: %d", ErrNumbered, its.Number)
		case !errors.Is(err, bus.ErrNone):
			return false, err
		}
	}
	aside, _, err := s.cells.Get(ctx, kind.number(number))
	switch {
	case errors.Is(err, bus.ErrNone):
		return false, nil
	case err == nil && aside.ID != id:
		err = ErrTaken
	}
	return false, err
}
