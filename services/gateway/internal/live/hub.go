package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// All stands for the events of all deployments.
const All = ""

// Settings bounds what watching costs.
type Settings struct {
	Watches int           // at the same time
	Caller  int           // of these, one caller's; 0: all
	Keep    int           // newest events of each topic that are kept for those who come back
	Linger  time.Duration // how long a topic that nobody watches is kept
	Idle    int           // topics that are kept so, at least 1; beyond, the one that was left first goes
}

// Hub shows events to those who watch, on one gateway.
type Hub struct {
	bus *bus.Bus
	set Settings
	log zerolog.Logger

	ctx context.Context //nolint:containedctx // topics outlive the requests that they begin with
	end context.CancelFunc
	all sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	watches int
	callers map[string]int    // watches of each
	topics  map[string]*topic // by deployment, or All
	idle    []*topic          // that nobody watches, in the order in which they were left
}

// Open returns a hub that reads from this broker until Close.
func Open(ctx context.Context, b *bus.Bus, set Settings, log zerolog.Logger) *Hub {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	return &Hub{bus: b, set: set, log: log, ctx: ctx, end: end, callers: map[string]int{}, topics: map[string]*topic{}}
}

// Close ends every watch with ErrClosed, and waits until nothing is read any more.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.end()
	h.all.Wait()
}

// Watches is how many there are now.
func (h *Hub) Watches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watches
}

// Watch shows the events of a deployment, or of All, that come after the one with this
// sequence. With 0 they are shown from the first one of the deployment on; of All, those
// that come from now on. It counts for who it is for, and fails with ErrFull,
// ErrCallerFull, ErrClosed, ErrAhead or, of All, ErrGone. The caller closes the watch.
func (h *Hub) Watch(ctx context.Context, who, deployment string, after uint64) (*Watch, error) {
	if after > 0 {
		if err := h.check(ctx, deployment, after); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.watches >= h.set.Watches:
		return nil, ErrFull
	case h.set.Caller > 0 && h.callers[who] >= h.set.Caller:
		return nil, ErrCallerFull
	}
	t := h.topics[deployment]
	if t == nil || t.broken() {
		t = newTopic(h, deployment) //nolint:contextcheck // it outlives the request
		h.topics[deployment] = t
	}
	h.watches++
	h.callers[who]++
	t.watches++
	h.busy(t)
	return &Watch{hub: h, who: who, topic: t, after: after, fresh: after == 0 && deployment == All}, nil
}

// check looks whether the events after this one are there.
func (h *Hub) check(ctx context.Context, deployment string, after uint64) error {
	info, err := h.bus.Events().Info(ctx)
	switch {
	case err != nil:
		return err
	case after > info.State.LastSeq:
		return ErrAhead
	case deployment == All && after+1 < info.State.FirstSeq:
		return ErrGone
	}
	return nil
}

// leave ends somebody's watch of the topic.
func (h *Hub) leave(who string, t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watches--
	if h.callers[who]--; h.callers[who] == 0 {
		delete(h.callers, who)
	}
	t.watches--
	if t.watches > 0 || h.closed {
		return
	}
	h.idle = append(h.idle, t)
	t.lingers = time.AfterFunc(h.set.Linger, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(t)
	})
	for len(h.idle) > h.set.Idle { // each holds events, and nothing else bounds how many are left
		h.drop(h.idle[0])
	}
}

// drop ends a topic that nobody has come back to. The caller holds mu.
func (h *Hub) drop(t *topic) {
	if t.watches > 0 {
		return
	}
	h.busy(t)
	t.stop()
	if h.topics[t.deployment] == t {
		delete(h.topics, t.deployment)
	}
}

// busy takes a topic from those that linger, of which nothing holds on to its events any
// more. The caller holds mu.
func (h *Hub) busy(t *topic) {
	if t.lingers != nil {
		t.lingers.Stop()
		t.lingers = nil
	}
	h.idle = slices.DeleteFunc(h.idle, func(one *topic) bool { return one == t })
}

// subjects is where the events of a deployment, or of All, are stored that are shown:
// what is said on hosts is for who looks at one.
func subjects(deployment string) []string {
	if deployment == All {
		return []string{contract.EventsOfSys, contract.EventsOfJobs}
	}
	return []string{contract.SystemEventSubject(deployment), contract.JobEventsOf(deployment), contract.OutputSubject(deployment, "*")}
}
