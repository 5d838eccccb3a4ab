package fold

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	// leastArriving is how many arrivals are worth writing what runs where for.
	leastArriving = 1000
	// mostArriving bounds what a crash has folded again, and what waits in memory.
	mostArriving = 20_000
)

// arrival is what has come to run somewhere, and the event that says so.
type arrival struct {
	deploy.Arrival
	entry Entry
}

// arriving is what waits for Place. Hosts are dealt out to documents of their
// application by chance, so that a batch touches all of them however few hosts it is
// about. To write them once for as many arrivals as they have rows has an arrival cost
// the same whatever the number of hosts.
type arriving struct {
	all  []arrival
	rows int // of the documents that were written last
}

// Full says whether so much has arrived that it is to be written.
func (f *Folder) Full() bool {
	return len(f.arriving.all) >= min(max(f.arriving.rows, leastArriving), mostArriving)
}

// Arriving says whether anything has arrived that is not written.
func (f *Folder) Arriving() bool { return len(f.arriving.all) > 0 }

// Place writes what runs and ran where, as the events say that Gather was given. It
// waits and fails as Fold does.
func (f *Folder) Place(ctx context.Context) error {
	if !f.Arriving() {
		return nil
	}
	rows := 0
	if err := f.place(ctx, f.arriving.all, false, &rows); err != nil {
		return err
	}
	f.arriving = arriving{rows: rows}
	return nil
}

// place places some arrivals, and adds up the rows of what it writes. An event whose
// document the store will never take is found by halves, and set aside.
func (f *Folder) place(ctx context.Context, some []arrival, again bool, rows *int) error {
	err := f.outage.insist(ctx, func() error {
		p := newPlaces()
		if err := f.placesOf(ctx, p, some, again); err != nil {
			return fmt.Errorf("read what runs where: %w", err)
		}
		again = true
		if err := f.writePlaces(ctx, p); err != nil {
			return err
		}
		*rows += p.rows()
		p.placements.keep(f.placements)
		p.departures.keep(f.departures)
		return nil
	})
	if !errors.Is(err, ErrRefused) {
		return err
	}
	if half := len(some) / 2; half > 0 {
		if err := f.place(ctx, some[:half], true, rows); err != nil {
			return err
		}
		return f.place(ctx, some[half:], true, rows)
	}
	e := some[0].entry
	f.reject(&e, err.Error())
	return f.outage.insist(ctx, func() error { return f.setAside(ctx, e) })
}
