// Package listing answers lists of deployments from memory, beside a store that would
// have to read all its documents for each of them. Whoever writes headers to that
// store, and nobody else does, puts them here, too.
//
// It is read from the store once, in the background, and knows of each deployment what
// lists find it by, some 300 bytes, what was noted of it, and 4 bytes for each of its hosts. Whole headers are kept of the newest ones; others
// are read from the store by their ids.
package listing

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// kept is of how many deployments, the newest, whole headers are kept: some 1 kB each.
const kept = 5000

// Source is the store that this lists.
type Source interface {
	// EachHeader calls do with every header that is stored, in whatever order, until
	// it fails.
	EachHeader(ctx context.Context, do func(deploy.Header) error) error
	// Headers returns those of the named deployments that are stored.
	Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error)
	// EachHosts calls do with the hosts of every piece of targets that are stored, in
	// whatever order, until it fails.
	EachHosts(ctx context.Context, do func(deploy.Hosts) error) error
	// Hosts returns those of the named pieces that are stored.
	Hosts(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Hosts, error)
	// FillHosts has the hosts of these deployments stored, and put here, where they are not.
	FillHosts(ctx context.Context, headers []deploy.Header) error
}

// Listing is all deployments of a store whose beginning is known. It is safe for
// concurrent use.
type Listing struct {
	source Source
	kept   int
	reader *reader
	filler *reader // of hosts that are not stored

	mu      sync.Mutex
	order   []*entry // oldest first; the last ones, as many as are kept, are whole
	all     map[string]*entry
	hosts   map[string][]uint32 // by deployment: the numbers of its hosts, in order
	numbers map[string]uint32   // of hosts
	names   map[string]string   // each name once
	doubts  map[string]bool     // what may be stored otherwise; true: its hosts, too
}

// entry is one deployment.
type entry struct {
	place                                query.Place
	seq                                  uint64
	state                                deploy.State
	application, project, version, actor string
	batch, stage, template               string
	metadata                             []deploy.Note
	targets                              int
	whole                                *deploy.Header // nil: it is read when it is shown
}

// New returns the listing of a store. Nothing of it is read yet.
func New(source Source) *Listing {
	l := &Listing{source: source, kept: kept, reader: newReader(), filler: newReader()}
	l.forget()
	return l
}

// Close ends what it reads.
func (l *Listing) Close() {
	l.filler.close()
	l.reader.close()
}

// Reload forgets everything and begins to read what is stored now.
func (l *Listing) Reload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget()
	l.reader.again(l.readAll)
}

func (l *Listing) forget() {
	l.order, l.all, l.names, l.doubts = nil, map[string]*entry{}, map[string]string{}, map[string]bool{}
	l.hosts, l.numbers = map[string][]uint32{}, map[string]uint32{}
}

// Put notes that headers are stored.
func (l *Listing) Put(headers ...deploy.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range headers {
		l.put(asStored(h))
	}
}

// Doubt notes that it is not known whether headers are stored as they were before, or at
// all: a write of them failed, or they were removed.
func (l *Listing) Doubt(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if _, already := l.doubts[id]; !already {
			l.doubts[id] = false
		}
	}
}

// List returns the headers that a page asks for. It waits until all are known.
func (l *Listing) List(ctx context.Context, page query.Page) ([]deploy.Header, error) {
	if err := l.reader.await(ctx, l.readAll); err != nil {
		return nil, err
	}
	if page.Server != "" {
		if err := l.filler.await(ctx, l.fill); err != nil {
			return nil, err
		}
	}
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	found := l.find(page)
	var missing []string
	for _, e := range found {
		if e.whole == nil {
			missing = append(missing, e.place.ID)
		}
	}
	read, err := l.source.Headers(ctx, missing)
	if err != nil {
		return nil, err
	}
	headers := make([]deploy.Header, 0, len(found))
	for _, e := range found {
		if e.whole != nil {
			headers = append(headers, *e.whole)
		} else if h, there := read[e.place.ID]; there {
			headers = append(headers, h)
		}
	}
	return headers, nil
}

// settle reads what is in doubt.
func (l *Listing) settle(ctx context.Context) error {
	l.mu.Lock()
	doubts := l.doubts
	l.doubts = map[string]bool{}
	known := map[string]uint64{} // the sequences that they stood at
	for id := range doubts {
		if e, ok := l.all[id]; ok {
			known[id] = e.seq
		}
	}
	l.mu.Unlock()
	if len(doubts) == 0 {
		return nil
	}
	ids := make([]string, 0, len(doubts))
	for id := range doubts {
		ids = append(ids, id)
	}
	read, err := l.source.Headers(ctx, ids)
	var reread []deploy.Header
	for id, h := range read {
		if _, before := known[id]; doubts[id] || !before {
			reread = append(reread, h)
		}
	}
	var hosts map[fold.BucketKey]deploy.Hosts
	if err == nil {
		hosts, err = l.hostsOf(ctx, reread)
	}
	if err != nil {
		l.DoubtHosts(ids...)
		return err
	}
	for _, h := range hosts {
		l.PutHosts(h)
	}
	for _, h := range read {
		l.Put(h)
		delete(known, h.ID)
	}
	l.drop(known)
	return nil
}

// drop forgets deployments that are not stored any more, unless they were put since they
// stood at these sequences.
func (l *Listing) drop(gone map[string]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, seq := range gone {
		e, known := l.all[id]
		if !known || e.seq != seq {
			continue
		}
		at := l.index(e.place)
		l.order = slices.Delete(l.order, at, at+1)
		delete(l.all, id)
		delete(l.hosts, id)
	}
}

// find returns what a page shows, in its order, as it is now.
func (l *Listing) find(page query.Page) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, end := l.index(query.Place{AcceptedAt: page.From}), len(l.order)
	if !page.To.IsZero() {
		end = l.index(query.Place{AcceptedAt: page.To})
	}
	if page.After != (query.Place{}) {
		if at := l.index(page.After); page.OldestFirst {
			first = max(first, at)
		} else {
			end = min(end, at)
		}
	}
	var found []entry
	on := l.on(page.Server)
	for n := range max(end-first, 0) {
		e := l.order[first+n]
		if !page.OldestFirst {
			e = l.order[end-1-n]
		}
		if !on(e.place.ID) || !page.Shows(e.header()) {
			continue
		}
		if found = append(found, *e); len(found) == page.Limit {
			break
		}
	}
	return found
}

// index is where a place is, or would be.
func (l *Listing) index(at query.Place) int {
	i, _ := slices.BinarySearchFunc(l.order, at, func(e *entry, at query.Place) int { return e.place.Compare(at) })
	return i
}

// put takes in a header, if it is no older than what is known.
func (l *Listing) put(h deploy.Header) {
	if h.AcceptedAt.IsZero() {
		return
	}
	e, known := l.all[h.ID]
	if !known {
		e = l.entryOf(h)
		at := l.index(e.place)
		l.order = slices.Insert(l.order, at, e)
		l.all[h.ID] = e
		if old := len(l.order) - l.kept; old > 0 {
			l.order[old-1].whole = nil
			if at < old {
				e.whole = nil
			}
		}
		return
	}
	if h.Seq < e.seq {
		return
	}
	whole := e.whole != nil
	if *e = *l.entryOf(h); !whole {
		e.whole = nil
	}
}

func (l *Listing) entryOf(h deploy.Header) *entry {
	return &entry{
		place: query.PlaceOf(h), seq: h.Seq, state: deploy.State(l.name(string(h.State))),
		application: l.name(h.Application), project: l.name(h.Project), version: l.name(h.Version), actor: l.name(h.Actor),
		batch: l.name(h.Batch), stage: l.name(h.Stage), template: l.name(h.Template),
		metadata: l.notes(h.Metadata), targets: h.Targets,
		whole: &h,
	}
}

// name returns a name of which only one copy is kept.
func (l *Listing) name(s string) string {
	if have, ok := l.names[s]; ok {
		return have
	}
	l.names[s] = s
	return s
}

// notes returns what was noted, with one copy of each name. Values are rarely alike.
func (l *Listing) notes(noted []deploy.Note) []deploy.Note {
	all := slices.Clone(noted)
	for i := range all {
		all[i].Name = l.name(all[i].Name)
	}
	return all
}

// header has what a page can ask for.
func (e *entry) header() deploy.Header {
	return deploy.Header{
		ID: e.place.ID, AcceptedAt: e.place.AcceptedAt, State: e.state,
		Application: e.application, Project: e.project, Version: e.version, Actor: e.actor, Batch: e.batch,
		Origin: deploy.Origin{Stage: e.stage, Template: e.template}, Metadata: e.metadata,
	}
}

// asStored has times as exact as the store keeps them.
func asStored(h deploy.Header) deploy.Header {
	for _, at := range []*time.Time{&h.Until, &h.AcceptedAt, &h.StartedAt, &h.EndedAt} {
		*at = at.Truncate(time.Millisecond)
	}
	return h
}
