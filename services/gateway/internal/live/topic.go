package live

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// retryPause is how long a topic waits before it reads again.
const retryPause = time.Second

// topic is the newest events of a deployment, or of all.
type topic struct {
	hub        *Hub
	deployment string
	stop       context.CancelFunc
	watches    int         // the hub's mu guards it
	lingers    *time.Timer // the same; nil: it is watched, or gone

	mu      sync.Mutex
	began   bool          // floor is known
	floor   uint64        // every event after this one that is stored is among events, or comes
	events  []*Event      // in order
	err     error         // why there will be no more
	changed chan struct{} // closed when anything here changes
}

// newTopic returns a topic that reads until stop, or the end of the hub.
func newTopic(h *Hub, deployment string) *topic {
	ctx, stop := context.WithCancel(h.ctx)
	t := &topic{hub: h, deployment: deployment, stop: stop, changed: make(chan struct{}), began: deployment != All}
	h.all.Go(func() { t.run(ctx) })
	return t
}

// run reads events until the topic is stopped.
func (t *topic) run(ctx context.Context) {
	defer t.stop()
	for {
		err := t.follow(ctx)
		switch {
		case ctx.Err() != nil:
			t.finish(ErrClosed)
			return
		case errors.Is(err, ErrAhead), errors.Is(err, ErrOver): // what was shown is no more, or all that there is
			t.finish(err)
			return
		}
		t.hub.log.Warn().Err(err).Str("deployment", t.deployment).Msg("events cannot be read for those who watch; it is tried again")
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
		}
	}
}

// follow reads on after the last event.
func (t *topic) follow(ctx context.Context) error {
	last, err := t.start(ctx)
	if err != nil {
		return err
	}
	return t.hub.bus.Follow(ctx, contract.StreamEvents, subjects(t.deployment), last, func(s bus.Stored) error {
		e, err := show(s)
		if err != nil {
			bus.LogSubject(t.hub.log.Warn(), s.Subject).Err(err).Uint64("seq", s.Seq).Msg("an event is not shown")
			return nil
		}
		t.add(e)
		if e.Last && t.deployment != All {
			return ErrOver
		}
		return nil
	})
}

// start returns the event after which to read.
func (t *topic) start(ctx context.Context) (uint64, error) {
	info, err := t.hub.bus.Events().Info(ctx)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.began {
		t.began, t.floor = true, info.State.LastSeq
		t.wake()
	}
	last := t.last()
	if last > info.State.LastSeq {
		return 0, ErrAhead // the broker came back with less than it had
	}
	return last, nil
}

// last is the sequence after which nothing has been read. The caller holds mu.
func (t *topic) last() uint64 {
	if n := len(t.events); n > 0 {
		return t.events[n-1].Seq
	}
	return t.floor
}

func (t *topic) add(e *Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Twice what is kept may stand there, so that most events cost no copying.
	if surplus := len(t.events) - t.hub.set.Keep; surplus >= t.hub.set.Keep {
		t.floor = t.events[surplus-1].Seq
		t.events = slices.Clone(t.events[surplus:])
	}
	t.events = append(t.events, e)
	t.wake()
}

func (t *topic) finish(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	t.wake()
}

// broken says whether a watch that begins now needs another topic.
func (t *topic) broken() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil && !errors.Is(t.err, ErrOver)
}

// wake tells those who wait that something has changed. The caller holds mu.
func (t *topic) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// since returns the events after this one, or what to wait for where there are none, or
// why there will be none. covered is false where older ones than it keeps are wanted.
func (t *topic) since(after uint64) (events []*Event, changed <-chan struct{}, covered bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.began {
		return nil, t.changed, true, t.err
	}
	if after < t.floor {
		return nil, nil, false, nil
	}
	from, _ := slices.BinarySearchFunc(t.events, after+1, func(e *Event, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	if from < len(t.events) {
		return slices.Clone(t.events[from:min(len(t.events), from+mostAtOnce)]), nil, true, nil
	}
	return nil, t.changed, true, t.err
}
