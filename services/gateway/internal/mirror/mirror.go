// Package mirror keeps a copy of a bucket in memory and brings it up to date on
// demand, by reading what was written since from the leader of the bucket's
// stream. There is no watch that could lag: after Refresh the copy holds
// everything that was stored before Refresh was called. Where nothing was
// written, that costs one round trip.
//
// That a value was deleted is told by a mark in its place, which the broker drops
// after ten minutes. A copy that was not refreshed for half as long is read anew.
package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
)

const (
	tryTimeout = 2 * time.Second
	pause      = 50 * time.Millisecond

	longestGap = 5 * time.Minute // half of what bus.Cells gives the mark of a deletion
)

// Entry is a value and the revision that it has.
type Entry[T any] struct {
	Value    T
	Revision uint64
}

// Mirror is a copy of a bucket. It may be used by many at once; what it returns
// must not be changed.
type Mirror[T any] struct {
	stream jetstream.Stream
	prefix string         // of the subjects, before the key
	alias  func(T) string // a second name for a value; nil: none
	log    zerolog.Logger

	gap   time.Duration             // after which the copy is read anew
	turn  chan struct{}             // held by the one refresh that runs
	since time.Time                 // the copy was complete, or empty, at this time; under turn
	next  uint64                    // first sequence that was not read; under turn
	begun atomic.Pointer[time.Time] // when the last refresh that succeeded began

	mu         sync.RWMutex
	entries    map[string]Entry[T]
	aliases    map[string]string   // alias → key
	unreadable map[string]struct{} // keys whose values cannot be read
	generation uint64              // how often the copy was read anew
	whole      bool                // it was read to the end in this generation
}

// Open returns a mirror of the bucket, which is empty until Refresh. Values can
// be found by their alias too, where alias is given and does not return "".
func Open[T any](ctx context.Context, b *bus.Bus, bucket string, alias func(T) string, log zerolog.Logger) (*Mirror[T], error) {
	stream, err := b.JetStream().Stream(ctx, "KV_"+bucket)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", bucket, err)
	}
	m := &Mirror[T]{stream: stream, prefix: "$KV." + bucket + ".", alias: alias, log: log, gap: longestGap, turn: make(chan struct{}, 1)}
	m.reset()
	return m, nil
}

// Refresh brings the copy up to date with everything that was stored before the
// call. It repeats until ctx ends, and fails with bus.ErrUnavailable then. What
// was read until then is kept, and is not read again.
func (m *Mirror[T]) Refresh(ctx context.Context) error {
	asked := time.Now()
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return errors.Join(bus.ErrUnavailable, context.Cause(ctx))
	}
	defer func() { <-m.turn }()
	if last := m.begun.Load(); last != nil && last.After(asked) {
		return nil // the one that had the turn began after this call
	}
	begun := time.Now()
	if m.behind(begun) {
		m.reset()
	}
	for {
		err := m.readOn(ctx)
		if err == nil {
			m.since = begun
			m.complete()
			m.begun.Store(&begun)
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(bus.ErrUnavailable, err)
		case <-time.After(pause):
		}
	}
}

// RefreshWithin is Refresh, unless the copy was up to date no longer ago than
// this.
func (m *Mirror[T]) RefreshWithin(ctx context.Context, age time.Duration) error {
	if last := m.begun.Load(); last != nil && time.Since(*last) <= age {
		return nil
	}
	return m.Refresh(ctx)
}

// readOn reads what follows in the stream, to its end.
func (m *Mirror[T]) readOn(ctx context.Context) error {
	for {
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		msg, err := m.stream.GetMsg(try, m.next, jetstream.WithGetMsgSubject(m.prefix+">"))
		cancel()
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil
		case errors.Is(err, jetstream.ErrStreamNotFound):
			m.reset() // the bucket is being made anew, and counts from one again
			return err
		case err != nil:
			return err
		}
		m.apply(msg)
		m.next = msg.Sequence + 1
	}
}

// behind says whether a mark may have come and gone unseen. The clock on the
// wall counts too: the other one stands still while a machine sleeps.
func (m *Mirror[T]) behind(now time.Time) bool {
	return max(now.Sub(m.since), now.Round(0).Sub(m.since.Round(0))) > m.gap
}

// reset empties the copy. Who looks has refreshed it just before; but another may
// come to reset it in between, so who takes what is not there for gone looks by
// Whole.
func (m *Mirror[T]) reset() {
	m.since = time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next, m.entries, m.aliases = 1, map[string]Entry[T]{}, map[string]string{}
	m.unreadable, m.whole = map[string]struct{}{}, false
	m.generation++
}

func (m *Mirror[T]) complete() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole = true
}

// apply takes one message in. A value that cannot be read counts as absent: it
// must not keep all others from being served.
func (m *Mirror[T]) apply(msg *jetstream.RawStreamMsg) {
	key := strings.TrimPrefix(msg.Subject, m.prefix)
	entry := Entry[T]{Revision: msg.Sequence}
	gone := bus.IsMark(msg.Header)
	unreadable := !gone && json.Unmarshal(msg.Data, &entry.Value) != nil
	if unreadable {
		m.log.Error().Str("subject", msg.Subject).Uint64("revision", msg.Sequence).Msg("a stored value cannot be read")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unreadable, key)
	if unreadable {
		m.unreadable[key] = struct{}{}
	}
	if before, ok := m.entries[key]; ok && m.alias != nil {
		delete(m.aliases, m.alias(before.Value))
	}
	if gone || unreadable {
		delete(m.entries, key)
		return
	}
	m.entries[key] = entry
	if m.alias != nil && m.alias(entry.Value) != "" {
		m.aliases[m.alias(entry.Value)] = key
	}
}

// Get returns what stands under the key.
func (m *Mirror[T]) Get(key string) (Entry[T], bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[key]
	return e, ok
}

// Find returns what has this alias.
func (m *Mirror[T]) Find(alias string) (Entry[T], bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	key, ok := m.aliases[alias]
	return m.entries[key], ok
}

// View lets fn look at all entries, by key, as they are at one moment. fn must
// not keep the map, nor call the mirror.
func (m *Mirror[T]) View(fn func(map[string]Entry[T])) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	fn(m.entries)
}

// Whole is View for who takes what is not there for gone. It fails with
// ErrPartial where the copy does not hold everything. What it showed counts for
// as long as the copy is of the generation that it returns.
func (m *Mirror[T]) Whole(fn func(map[string]Entry[T])) (generation uint64, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	switch {
	case !m.whole:
		return 0, fmt.Errorf("%w: it is being read anew", ErrPartial)
	case len(m.unreadable) > 0:
		return 0, fmt.Errorf("%w: %d values cannot be read", ErrPartial, len(m.unreadable))
	}
	fn(m.entries)
	return m.generation, nil
}

// Still fails with ErrPartial where the copy is no longer of this generation, and
// with the reason where ctx has ended.
func (m *Mirror[T]) Still(ctx context.Context, generation uint64) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.generation != generation {
		return fmt.Errorf("%w: it was read anew meanwhile", ErrPartial)
	}
	return context.Cause(ctx)
}
