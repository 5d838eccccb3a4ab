package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Cells is a bucket of JSON values that change by compare-and-set alone.
type Cells[T any] struct {
	bus   *Bus
	kv    jetstream.KeyValue
	reads looks[written]
	kept  kept
}

// written is a value as it was written.
type written struct {
	data []byte // nobody changes it
	rev  uint64
}

// OpenCells opens the bucket.
func OpenCells[T any](ctx context.Context, b *Bus, bucket string) (*Cells[T], error) {
	var kv jetstream.KeyValue
	err := repeat(ctx, func(ctx context.Context) (err error) {
		kv, err = b.js.KeyValue(ctx, bucket)
		return classify(err)
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", bucket, err)
	}
	return &Cells[T]{bus: b, kv: kv}, nil
}

// Get returns the value and its revision, or ErrNone. Those who ask for one key at the same
// time share what is read, which is not older than the question of any.
func (c *Cells[T]) Get(ctx context.Context, key string) (T, uint64, error) {
	got, err := c.reads.look(ctx, key, func(ctx context.Context) (got written, err error) {
		err = c.bus.ask(ctx, func(ctx context.Context) error {
			entry, err := c.kv.Get(ctx, key)
			if err == nil {
				got = written{entry.Value(), entry.Revision()}
			}
			return classify(err)
		})
		return got, err
	})
	var value T
	if err == nil {
		err = json.Unmarshal(got.data, &value)
	}
	return value, got.rev, err
}

// Create stores a value under a new key; ErrConflict where there is one. After
// ErrUnavailable, or a repeat within the call, the conflict may be with itself.
func (c *Cells[T]) Create(ctx context.Context, key string, value T) (uint64, error) {
	w, err := c.create(ctx, key, value)
	return w.rev, err
}

// Set replaces the value of this revision; ErrConflict where it has another.
func (c *Cells[T]) Set(ctx context.Context, key string, value T, rev uint64) (uint64, error) {
	w, err := c.set(ctx, key, value, rev)
	return w.rev, err
}

// Put stores a value whatever was there.
func (c *Cells[T]) Put(ctx context.Context, key string, value T) (uint64, error) {
	w, err := c.write(ctx, value, func(ctx context.Context, data []byte) (uint64, error) { return c.kv.Put(ctx, key, data) })
	return w.rev, err
}

func (c *Cells[T]) create(ctx context.Context, key string, value T) (written, error) {
	return c.write(ctx, value, func(ctx context.Context, data []byte) (uint64, error) { return c.kv.Create(ctx, key, data) })
}

func (c *Cells[T]) set(ctx context.Context, key string, value T, rev uint64) (written, error) {
	return c.write(ctx, value, func(ctx context.Context, data []byte) (uint64, error) { return c.kv.Update(ctx, key, data, rev) })
}

func (c *Cells[T]) write(ctx context.Context, value T, put func(context.Context, []byte) (uint64, error)) (written, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return written{}, err
	}
	var rev uint64
	err = repeat(ctx, func(ctx context.Context) (err error) {
		rev, err = put(ctx, data)
		return classify(err)
	})
	return written{data, rev}, err
}

// Change reads the value (the zero value where there is none), lets fn decide, and writes
// what it returns if it says so, over again while others are first. It returns the value
// that stands in the end. fn may be called many times, also with a value that has another by
// now, of which nothing comes; the last call counts. Where the broker was away meanwhile, it
// may see what it has written itself. It must not change what it is given.
func (c *Cells[T]) Change(ctx context.Context, key string, fn func(T) (next T, write bool, err error)) (T, error) {
	if next, changed := c.changeKept(ctx, key, fn); changed {
		return next, nil
	}
	for {
		era := c.bus.connection.number()
		have, rev, err := c.Get(ctx, key)
		missing := errors.Is(err, ErrNone)
		if err != nil && !missing {
			return have, err
		}
		next, write, err := fn(have)
		if err != nil || !write {
			return next, err
		}
		var w written
		if missing {
			w, err = c.create(ctx, key, next)
		} else {
			w, err = c.set(ctx, key, next, rev)
		}
		if err == nil {
			c.kept.put(era, key, w)
		}
		if !errors.Is(err, ErrConflict) {
			return next, err
		}
	}
}

// changeKept is Change where the value is still the one that this process wrote last.
func (c *Cells[T]) changeKept(ctx context.Context, key string, fn func(T) (next T, write bool, err error)) (next T, changed bool) {
	era := c.bus.connection.number()
	k, ok := c.kept.take(era, key)
	if !ok {
		return next, false
	}
	var have T
	if json.Unmarshal(k.data, &have) != nil {
		return next, false
	}
	next, write, err := fn(have)
	if err != nil || !write { // which may be for what is not so any more
		return next, false
	}
	here, leave := c.bus.connection.within(ctx)
	defer leave()
	w, err := c.set(here, key, next, k.rev)
	switch {
	case err == nil:
		c.kept.proved(true)
		c.kept.put(era, key, w)
	case errors.Is(err, ErrConflict):
		c.kept.proved(false)
	}
	return next, err == nil
}

// markerAge is how long the mark of a deletion stays, for who watches the
// bucket. Without an end to them the bucket would grow for ever.
const markerAge = 10 * time.Minute

// Delete removes the value of this revision (0: whatever is there) and its
// history; ErrConflict where it has another revision. A mark of it stays for a
// while.
func (c *Cells[T]) Delete(ctx context.Context, key string, rev uint64) error {
	opts := []jetstream.KVDeleteOpt{jetstream.PurgeTTL(markerAge)}
	if rev > 0 {
		opts = append(opts, jetstream.LastRevision(rev))
	}
	c.kept.drop(key)
	return repeat(ctx, func(ctx context.Context) error { return classify(c.kv.Purge(ctx, key, opts...)) })
}

// DeleteBelow removes all values whose keys begin with these tokens, whatever
// they are, and leaves no mark: watchers are not told.
func (c *Cells[T]) DeleteBelow(ctx context.Context, key string) error {
	stream := c.bus.streams["KV_"+c.kv.Bucket()]
	return repeat(ctx, func(ctx context.Context) error {
		return classify(stream.Purge(ctx, jetstream.WithPurgeSubject(below(c.kv.Bucket())+key+".>")))
	})
}

// Forget removes the value and leaves no mark: watchers are not told.
func (c *Cells[T]) Forget(ctx context.Context, key string) error {
	c.kept.drop(key)
	stream := c.bus.streams["KV_"+c.kv.Bucket()]
	return repeat(ctx, func(ctx context.Context) error {
		return classify(stream.Purge(ctx, jetstream.WithPurgeSubject(below(c.kv.Bucket())+key)))
	})
}

// Next returns the value that was stored first of those after the revision whose
// keys match the filter, with its key and revision, or ErrNone. Where values are
// only ever created and forgotten, that is the order in which they were made. It
// takes no longer with many values than with few.
func (c *Cells[T]) Next(ctx context.Context, filter string, after uint64) (key string, value T, rev uint64, err error) {
	got, err := c.bus.Next(ctx, "KV_"+c.kv.Bucket(), below(c.kv.Bucket())+filter, after)
	if err != nil {
		return "", value, 0, err
	}
	err = json.Unmarshal(got.Data, &value)
	return c.key(got), value, got.Seq, err
}

// Keys returns the keys that match the filter, in no order. A filter is a
// subject pattern: "*" for keys of one token, "a.>" for those below a.
func (c *Cells[T]) Keys(ctx context.Context, filter string) ([]string, error) {
	var keys []string
	err := repeat(ctx, func(ctx context.Context) error {
		keys = nil
		return c.bus.values(ctx, c.kv.Bucket(), []string{filter}, jetstream.ConsumerConfig{HeadersOnly: true}, func(s Stored) error {
			keys = append(keys, c.key(s))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Cell is a value as it stands in its bucket.
type Cell[T any] struct {
	Key   string
	Value T
	Rev   uint64
	At    time.Time // when it was written
}

// Each gives fn the cells whose keys match the filter, as Bus.Values does. Values that
// cannot be read are left out. The broker waits for fn, and not for long.
func (c *Cells[T]) Each(ctx context.Context, filter string, fn func(Cell[T])) error {
	return c.bus.Values(ctx, c.kv.Bucket(), []string{filter}, func(s Stored) error {
		cell := Cell[T]{Key: c.key(s), Rev: s.Seq, At: s.At}
		if json.Unmarshal(s.Data, &cell.Value) == nil {
			fn(cell)
		}
		return nil
	})
}

func (c *Cells[T]) key(s Stored) string { return strings.TrimPrefix(s.Subject, below(c.kv.Bucket())) }
