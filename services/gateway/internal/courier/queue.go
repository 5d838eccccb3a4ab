package courier

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// storePause is how long a delivery waits that could not be stored.
const storePause = time.Second

// queue is the deliveries under way to one webhook. Its goroutine alone touches what stands below run's line.
type queue struct {
	office  *office
	webhook string
	woken   chan struct{}

	// Under the mutex of the office.
	inbox []*parcel
	size  int

	// The goroutine's own.
	lanes   map[string]*lane
	ready   laneHeap // lanes of which nothing is being sent, by when that is due
	sending int
	failing bool // the last try failed
	results chan result
}

// lane is deliveries that go one after the other.
type lane struct {
	name    string
	parcels []*parcel // in order
	due     time.Time
	busy    bool // its first is being sent
	at      int  // in the heap
}

// result is how sending the first of a lane went.
type result struct {
	outcome
	lane   *lane
	parcel *parcel
}

// span is for how long is worked: nothing is begun once open has ended, and what was begun is cut off when work ends.
type span struct{ open, work context.Context }

func newQueue(o *office, webhook string) *queue {
	return &queue{
		office: o, webhook: webhook, woken: make(chan struct{}, 1), lanes: map[string]*lane{},
		results: make(chan result, o.cfg.AtOnce),
	}
}

// wake has the queue look around. The office's mutex is held.
func (q *queue) wake() {
	select {
	case q.woken <- struct{}{}:
	default:
	}
}

// run sends until nothing is left or nothing is to begin any more, and waits for what was begun.
func (q *queue) run(s span) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		q.takeIn()
		next, wait := q.begin(s)
		if q.sending == 0 && (s.open.Err() != nil || len(q.lanes) == 0 && q.office.retire(q)) {
			return
		}
		timer.Stop()
		var due <-chan time.Time
		if wait {
			timer.Reset(time.Until(next))
			due = timer.C
		}
		done := s.open.Done()
		if q.sending > 0 {
			done = nil // their results come
		}
		select {
		case <-done:
		case <-due:
		case <-q.woken:
		case r := <-q.results:
			q.settle(r)
		}
	}
}

// takeIn puts what came in into the lanes.
func (q *queue) takeIn() {
	q.office.mu.Lock()
	came := q.inbox
	q.inbox = nil
	q.office.mu.Unlock()
	for _, p := range came {
		l := q.lanes[p.lane]
		if l == nil {
			l = &lane{name: p.lane}
			q.lanes[p.lane] = l
			heap.Push(&q.ready, l)
		}
		l.insert(p)
		q.place(l)
	}
}

// insert puts a delivery where it belongs in the lane: at the end, but for what is replayed. The first stays first while
// it is being sent.
func (l *lane) insert(p *parcel) {
	from := 0
	if l.busy {
		from = 1
	}
	at, _ := slices.BinarySearchFunc(l.parcels[from:], p, func(a, b *parcel) int { return cmp.Compare(a.order, b.order) })
	l.parcels = slices.Insert(l.parcels, from+at, p)
}

// place moves a lane that is not being sent to where the first of it belongs.
func (q *queue) place(l *lane) {
	if l.busy {
		return
	}
	l.due = l.parcels[0].due
	heap.Fix(&q.ready, l.at)
}

// begin starts to send what is due, as far as may be at once. It returns when the next is due, if there is one to wait for.
func (q *queue) begin(s span) (next time.Time, wait bool) {
	w, known := q.office.store.Known(q.webhook)
	if s.open.Err() != nil || known && w.State == webhooks.Paused {
		return next, false
	}
	most := q.office.cfg.AtOnce
	if q.failing { // one after the other, until one arrives
		most = 1
	}
	for len(q.ready) > 0 && q.sending < most {
		l := q.ready[0]
		if time.Until(l.due) > 0 {
			return l.due, true
		}
		heap.Pop(&q.ready)
		l.busy = true
		q.sending++
		p := l.parcels[0]
		q.office.all.Go(func() { q.results <- result{q.send(s.work, p), l, p} })
	}
	return next, false
}

func (q *queue) send(ctx context.Context, p *parcel) outcome {
	select {
	case q.office.places <- struct{}{}:
	case <-ctx.Done():
		return outcome{}
	}
	defer func() { <-q.office.places }()
	came, err := q.office.deliver(ctx, p)
	if err != nil && !came.ended {
		if ctx.Err() == nil {
			q.office.log.Warn().Err(err).Str("webhook", q.webhook).Msg("how a delivery stands cannot be read or stored; it is tried again")
		}
		came.next = time.Now().Add(storePause)
	}
	return came
}

// settle notes how sending went.
func (q *queue) settle(r result) {
	q.sending--
	q.failing = !r.good
	l := r.lane
	l.busy = false
	if r.ended {
		l.parcels = l.parcels[1:]
		q.office.dropped(q, r.parcel)
	} else {
		r.parcel.due = r.next
	}
	if len(l.parcels) == 0 {
		delete(q.lanes, l.name)
		return
	}
	l.due = l.parcels[0].due
	heap.Push(&q.ready, l)
}

// laneHeap is lanes by when they are due.
type laneHeap []*lane

// Len implements heap.Interface.
func (h laneHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h laneHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

// Swap implements heap.Interface.
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l, _ := x.(*lane)
	l.at = len(*h)
	*h = append(*h, l)
}

// Pop implements heap.Interface.
func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	*h = (*h)[:last]
	return l
}
