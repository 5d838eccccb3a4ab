// Package reseal has what rests sealed at the broker sealed to the newest of several
// keys, while services run.
//
// It knows nothing of what it changes but where it rests and how sealed secrets look:
// each is opened and sealed anew for its own context, and the value that it stands in
// is replaced by compare-and-set. Where somebody else was first, their value is read
// again. So it can be cut off at any place and run again, by several at once too.
//
// Messages of streams are history and stay as they are: commands are read again for
// retries, and jobs wait for executors. They open as long as the older keys are kept.
package reseal

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// Result is what came of it.
type Result struct {
	Resealed int // secrets that are sealed to the newest key now
	Unopened int // that are damaged; they stay as they are
	Late     int // of Resealed, those that a Command found only when it looked again
}

// Run seals to the newest key what rests sealed to one of the others. What is sealed
// to further keys is somebody else's. It returns once a look at everything has found
// nothing to do; what is stored meanwhile by somebody who seals to an older key may
// be left.
func Run(ctx context.Context, b *bus.Bus, keys seal.Keys) (Result, error) {
	w := work{bus: b, keys: keys, older: map[string]bool{}}
	for i, id := range keys.IDs() {
		w.older[id] = i > 0
	}
	for {
		w.changed, w.Unopened = false, 0
		for _, p := range places {
			if err := p.scan(ctx, b, func(s bus.Stored) error { return w.reseal(ctx, p, s) }); err != nil {
				return w.Result, fmt.Errorf("seal anew what rests in %s: %w", p.bucket, err)
			}
		}
		if !w.changed {
			return w.Result, nil
		}
	}
}

// work is one Run.
type work struct {
	Result
	bus     *bus.Bus
	keys    seal.Keys
	older   map[string]bool // ids of keys
	changed bool            // something in this look, by this Run or by others
}

// reseal replaces the secrets in one value.
func (w *work) reseal(ctx context.Context, p place, s bus.Stored) error {
	resealed := 0
	next, err := p.replace(s.Data, func(one seal.Sealed) seal.Sealed {
		if !w.older[one.KeyID()] {
			return one
		}
		anew, _, err := w.keys.Reseal(one)
		if err != nil {
			w.Unopened++
			return one
		}
		resealed++
		return anew
	})
	if err != nil || resealed == 0 {
		return err
	}
	w.changed = true
	_, err = w.bus.Append(ctx, p.stream(), s.Subject, s.Seq, xid.New().String(), next)
	if errors.Is(err, bus.ErrConflict) { // the next look finds what stands there now
		return nil
	}
	if err == nil {
		w.Resealed += resealed
	}
	return err
}

// Names is how many sealed secrets name a key.
type Names struct {
	Resting int // in buckets, where Run seals them anew
	Passing int // in streams; they go with their messages, commands after a week
}

// Named says what is sealed to which key, by the key's id.
func Named(ctx context.Context, b *bus.Bus) (map[string]Names, error) {
	named := map[string]Names{}
	counting := func(replace replacer, count func(*Names)) func(bus.Stored) error {
		return func(s bus.Stored) error {
			_, err := replace(s.Data, func(one seal.Sealed) seal.Sealed {
				n := named[one.KeyID()]
				count(&n)
				named[one.KeyID()] = n
				return one
			})
			return err
		}
	}
	for _, p := range places {
		if err := p.scan(ctx, b, counting(p.replace, func(n *Names) { n.Resting++ })); err != nil {
			return nil, fmt.Errorf("count what rests in %s: %w", p.bucket, err)
		}
	}
	passing := counting(plainly, func(n *Names) { n.Passing++ })
	if err := b.Scan(ctx, contract.StreamCommands, nil, passing); err != nil {
		return nil, err
	}
	// A work queue lets nobody look but who works.
	for after := uint64(0); ; {
		job, err := b.Next(ctx, contract.StreamJobs, contract.JobsAll, after)
		switch {
		case errors.Is(err, bus.ErrNone):
			return named, nil
		case err != nil:
			return nil, err
		}
		if err := passing(job); err != nil {
			return nil, err
		}
		after = job.Seq
	}
}
