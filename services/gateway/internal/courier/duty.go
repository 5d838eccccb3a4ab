package courier

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// dutyKey is where the record stands, in the bucket of deliveries under way.
const dutyKey = "courier"

// record says who is the courier and how far it has come.
type record struct {
	Holder string `json:"holder,omitempty"` // random id of a gateway's run; empty: nobody
	Beat   uint64 `json:"beat"`             // rises with every write
	Seq    uint64 `json:"seq"`              // up to this event of EV, every delivery is stored or has ended
	Ended  uint64 `json:"ended,omitempty"`  // place in HOOKED after which those of later events ended
	EV     string `json:"ev"`               // the installation whose EV that is: each counts from one
}

// duty is the record as this gateway last wrote it.
type duty struct {
	cells *bus.Cells[record]
	mu    sync.Mutex
	have  record
	rev   uint64
	wrote time.Time // when the last write that succeeded was begun
}

// write changes the record. It fails with errDeposed where it has changed otherwise.
func (d *duty) write(ctx context.Context, change func(*record)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	begun, next := time.Now(), d.have
	change(&next)
	next.Beat++
	rev, err := d.put(ctx, next)
	if err != nil {
		return err
	}
	d.have, d.rev, d.wrote = next, rev, begun
	return nil
}

func (d *duty) put(ctx context.Context, next record) (rev uint64, err error) {
	if d.rev == 0 {
		rev, err = d.cells.Create(ctx, dutyKey, next)
	} else {
		rev, err = d.cells.Set(ctx, dutyKey, next, d.rev)
	}
	if !errors.Is(err, bus.ErrConflict) {
		return rev, err
	}
	now, rev, err := d.cells.Get(ctx, dutyKey)
	if err == nil && now != next { // else an earlier try of this write was stored, and its answer lost
		err = errDeposed
	}
	return rev, err
}

// stands is the record as it was last written.
func (d *duty) stands() record {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.have
}

// left is how long the courier may still act without another write.
func (d *duty) left(limit time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return limit - time.Since(d.wrote)
}

// watch is what a gateway that is not the courier knows of the record.
type watch struct {
	rev  uint64
	seen time.Time // when it first had this revision
}

// free says whether the record may be taken: nobody holds it, or who does has been silent for so long.
func (w *watch) free(have record, rev uint64, now time.Time, limit time.Duration) bool {
	if rev != w.rev || w.seen.IsZero() {
		w.rev, w.seen = rev, now
	}
	return have.Holder == "" || now.Sub(w.seen) >= limit
}
