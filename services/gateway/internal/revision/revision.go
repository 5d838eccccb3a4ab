// Package revision changes and removes what is stored, by compare-and-set, for
// callers of which each may insist on the revision that it has seen (If-Match).
package revision

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// ErrChanged says that something has another revision than it must have.
var ErrChanged = errors.New("it was changed since")

// Cell is where one thing is stored.
type Cell[T any] struct {
	// Read returns the thing as it is stored now, and its revision.
	Read func(context.Context) (T, uint64, error)
	// Write replaces it, which is of this revision, or fails with bus.ErrConflict: with others alone (see Set).
	Write func(ctx context.Context, have, next T, rev uint64) (uint64, error)
	// Remove removes it, which is of this revision, or fails with bus.ErrConflict.
	Remove func(ctx context.Context, have T, rev uint64) error
	// Gone is what Read fails with where the thing is not there.
	Gone error
}

// Change lets fn change the thing and returns the result with its revision. If
// must is not 0, it must have that revision (ErrChanged); otherwise fn is called
// again when another change comes first. fn's errors are returned as they are, with
// what it was given; what it does not change is not written.
func (c Cell[T]) Change(ctx context.Context, must uint64, fn func(T) (T, error)) (T, uint64, error) {
	for {
		have, rev, err := c.Read(ctx)
		if err != nil {
			return have, 0, err
		}
		if must != 0 && rev != must {
			return have, 0, ErrChanged
		}
		next, err := fn(have)
		if err != nil || reflect.DeepEqual(next, have) {
			return have, rev, err
		}
		newRev, err := c.Write(ctx, have, next, rev)
		switch {
		case err == nil:
			return next, newRev, nil
		case !errors.Is(err, bus.ErrConflict):
			return have, 0, err
		case must != 0:
			return have, 0, ErrChanged
		}
	}
}

// Delete removes the thing; must is as for Change.
func (c Cell[T]) Delete(ctx context.Context, must uint64) error {
	for began := false; ; began = true {
		have, rev, err := c.Read(ctx)
		switch {
		case errors.Is(err, c.Gone) && began:
			return nil // an earlier try of this call removed it
		case err != nil:
			return err
		case must != 0 && rev != must:
			return ErrChanged
		}
		if err := c.Remove(ctx, have, rev); !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
}

// Set replaces the value of this revision, or fails with bus.ErrConflict. A conflict with an earlier try of the same write,
// whose answer was lost, is a success: what was to be written stands, with the revision that is returned.
func Set[T any](ctx context.Context, cells *bus.Cells[T], key string, next T, rev uint64) (uint64, error) {
	newRev, err := cells.Set(ctx, key, next, rev)
	if !errors.Is(err, bus.ErrConflict) {
		return newRev, err
	}
	now, nowRev, readErr := cells.Get(ctx, key)
	if readErr != nil || !same(now, next) {
		return 0, err
	}
	return nowRev, nil
}

// same compares values as they are stored: what is empty may come back as what is not there.
func same[T any](a, b T) bool {
	one, errA := json.Marshal(a)
	other, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(one, other)
}
