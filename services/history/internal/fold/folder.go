package fold

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	cachedHeaders    = 1000
	cachedBuckets    = 500 // some 50 kB each
	cachedOutputs    = 500
	cachedPages      = 100 // some 20 kB each, rarely as much as 1 MB
	cachedStatistics = 500
	cachedParts      = 500 // some 150 bytes for each host in one
	cachedDepartures = 100
)

// Folder folds entries into documents. It belongs to one goroutine.
type Folder struct {
	store   Store
	headers *cache[string, deploy.Header] // as the store has confirmed them
	buckets *cache[BucketKey, deploy.Bucket]
	outputs *cache[BucketKey, deploy.Output]
	pages   *cache[PageKey, deploy.Page]

	statistics *cache[StatisticsKey, deploy.Statistics]
	placements *cache[PartKey, deploy.Placements]
	departures *cache[DepartureKey, deploy.Departures]

	arriving     arriving
	installation string // whose sequences the entries have
	outage       *outage
	log          zerolog.Logger

	spoil func(Entry) // called when an entry was folded, in tests, to be what went wrong with it
}

// NewFolder returns a folder that knows no document yet, for the events of this
// installation.
func NewFolder(store Store, installation string, log zerolog.Logger) *Folder {
	return &Folder{
		store:   store,
		headers: newCache[string, deploy.Header](cachedHeaders),
		buckets: newCache[BucketKey, deploy.Bucket](cachedBuckets),
		outputs: newCache[BucketKey, deploy.Output](cachedOutputs),
		pages:   newCache[PageKey, deploy.Page](cachedPages),

		statistics: newCache[StatisticsKey, deploy.Statistics](cachedStatistics),
		placements: newCache[PartKey, deploy.Placements](cachedParts),
		departures: newCache[DepartureKey, deploy.Departures](cachedDepartures),

		installation: installation,
		outage:       &outage{log: log, tell: func(bool) {}},
		log:          log,
		spoil:        func(Entry) {},
	}
}

// Fold folds the entries, which are in the order of their sequences, and returns
// when all that follows from them is stored. It waits for a store that is away
// and folds again where another replica was first. An entry that cannot be folded,
// or whose document the store will never take, is set aside. It fails with
// ErrLost, or when ctx ends.
func (f *Folder) Fold(ctx context.Context, entries []Entry) error {
	if err := f.Gather(ctx, entries); err != nil {
		return err
	}
	return f.Place(ctx)
}

// Gather is Fold, but for what runs and ran where: Place writes that.
func (f *Folder) Gather(ctx context.Context, entries []Entry) error {
	return f.foldAll(ctx, entries, false)
}

// foldAll is Gather; with again set, what the cache has may be behind the store.
func (f *Folder) foldAll(ctx context.Context, entries []Entry, again bool) error {
	err := f.outage.insist(ctx, func() error {
		err := f.fold(ctx, entries, again)
		again = true
		return err
	})
	if !errors.Is(err, ErrRefused) {
		return err
	}
	// Which one the store refuses is found by halves: it is one of thousands.
	if half := len(entries) / 2; half > 0 {
		if err := f.foldAll(ctx, entries[:half], true); err != nil {
			return err
		}
		return f.foldAll(ctx, entries[half:], true)
	}
	f.reject(&entries[0], err.Error())
	return f.foldAll(ctx, entries, true)
}

// reject has an entry set aside.
func (f *Folder) reject(e *Entry, reason string) {
	e.reject(reason)
	bus.LogSubject(f.log.Error(), e.subject).Uint64("seq", e.Seq).Str("reason", reason).Msg("an event cannot be folded")
}

// forget drops what it knows of documents; entries are of this installation now.
func (f *Folder) forget(installation string) {
	f.headers.clear()
	f.buckets.clear()
	f.outputs.clear()
	f.pages.clear()
	f.statistics.clear()
	f.placements.clear()
	f.departures.clear()
	f.arriving = arriving{}
	f.installation = installation
}

// fold tries once. With again set, every document is read from the store: what
// the cache has may be behind it.
func (f *Folder) fold(ctx context.Context, entries []Entry, again bool) error {
	if err := f.passOver(ctx, entries, again); err != nil {
		return err
	}
	d, err := f.foldOwn(ctx, entries, again)
	if err != nil {
		return err
	}
	o, err := f.foldOutputs(ctx, entries, again)
	if err != nil {
		return err
	}
	found := d.find(entries, f.installation)
	s, err := f.statisticsOf(ctx, found.conclusions, again)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Rejected == nil {
			continue
		}
		if err := f.setAside(ctx, e); err != nil {
			return err
		}
	}
	if err := put(ctx, d.buckets, bucketSeq, f.store.PutBuckets); err != nil {
		return fmt.Errorf("write targets: %w", err)
	}
	if err := put(ctx, d.headers, headerSeq, f.store.PutHeaders); err != nil {
		return fmt.Errorf("write deployments: %w", err)
	}
	// After the headers: whoever doubts whether they are written finds the deployment.
	if err := put(ctx, d.hosts, hostsSeq, f.store.PutHosts); err != nil {
		return fmt.Errorf("write hosts: %w", err)
	}
	if err := f.writeOutputs(ctx, o); err != nil {
		return err
	}
	if err := f.writeStatistics(ctx, s); err != nil {
		return err
	}
	f.keep(d)
	o.heads.keep(f.outputs)
	o.pages.keep(f.pages)
	s.rest.keep(f.statistics)
	s.ever.keep(f.statistics)
	f.arriving.all = append(f.arriving.all, found.arrivals...)
	return nil
}

func (f *Folder) setAside(ctx context.Context, e Entry) error {
	if err := f.store.SetAside(ctx, *e.Rejected); err != nil {
		return fmt.Errorf("set event %d aside: %w", e.Seq, err)
	}
	return nil
}

// foldOwn folds the entries into the documents of their deployments. One that
// cannot be is rejected, and the rest begun again.
func (f *Folder) foldOwn(ctx context.Context, entries []Entry, again bool) (*drafts, error) {
	for {
		d, err := f.load(ctx, entries, again)
		if err != nil {
			return nil, err
		}
		if f.each(entries, d.apply) {
			d.count()
			return d, nil
		}
	}
}

// each folds the entries, one after the other, and returns false where one could not
// be and is rejected: what was folded by then is half done.
func (f *Folder) each(entries []Entry, apply func(Entry)) bool {
	for i := range entries {
		if e := &entries[i]; e.folds() {
			if why := f.try(apply, *e); why != "" {
				f.reject(e, why)
				return false
			}
		}
	}
	return true
}

// try folds one entry and returns why it could not be folded. A mistake in a
// document's logic is to cost one event, and not all that come after it.
func (f *Folder) try(apply func(Entry), e Entry) (why string) {
	defer func() {
		if broken := recover(); broken != nil {
			why = fmt.Sprintf("folding it panics: %v", broken)
		}
	}()
	apply(e)
	f.spoil(e)
	return ""
}

// load returns the documents that the entries are about, but for those of output.
func (f *Folder) load(ctx context.Context, entries []Entry, again bool) (*drafts, error) {
	d := newDrafts()
	for _, e := range entries {
		if _, output := outputOf(e); output || !e.folds() {
			continue
		}
		d.headers.want(e.Deployment)
		if i, ok := deploy.BucketOf(e.Record.Event); ok {
			d.buckets.want(BucketKey{e.Deployment, i})
		}
		if key, ok := plannedBy(e); ok {
			d.hosts.want(key)
		}
	}
	if err := d.headers.fill(ctx, f.headers, again, f.store.Headers, headerSeq); err != nil {
		return nil, fmt.Errorf("read deployments: %w", err)
	}
	buckets, hosts := f.store.Buckets, f.store.Hosts
	if !again {
		buckets, hosts = ofKnown(d, buckets), ofKnown(d, hosts)
	}
	if err := d.buckets.fill(ctx, f.buckets, again, buckets, bucketSeq); err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	// None is kept to be used again: a piece is planned once.
	if err := d.hosts.fill(ctx, newCache[BucketKey, deploy.Hosts](0), again, hosts, hostsSeq); err != nil {
		return nil, fmt.Errorf("read hosts: %w", err)
	}
	return d, nil
}

// keep remembers what is stored now, but for deployments that have ended.
func (f *Folder) keep(d *drafts) {
	for id, h := range d.headers.docs {
		if h.State.Terminal() {
			f.headers.drop(id)
			for i := range h.Counts {
				f.buckets.drop(BucketKey{id, i})
			}
			continue
		}
		f.headers.put(id, *h)
	}
	for key, b := range d.buckets.docs {
		if !d.headers.docs[key.Deployment].State.Terminal() {
			f.buckets.put(key, *b)
		}
	}
}
