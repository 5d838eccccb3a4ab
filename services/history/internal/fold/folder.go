package fold

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	cachedHeaders = 1000
	cachedBuckets = 500 // some 50 kB each
)

// Folder folds entries into documents. It belongs to one goroutine.
type Folder struct {
	store   Store
	headers *cache[string, deploy.Header] // as the store has confirmed them
	buckets *cache[BucketKey, deploy.Bucket]
	outage  *outage
}

// NewFolder returns a folder that knows no document yet.
func NewFolder(store Store, log zerolog.Logger) *Folder {
	return &Folder{
		store:   store,
		headers: newCache[string, deploy.Header](cachedHeaders),
		buckets: newCache[BucketKey, deploy.Bucket](cachedBuckets),
		outage:  &outage{log: log},
	}
}

// Fold folds the entries, which are in the order of their sequences, and returns
// when all that follows from them is stored. It waits for a store that is away
// and folds again where another replica was first. It fails with ErrLost, or
// when ctx ends.
func (f *Folder) Fold(ctx context.Context, entries []Entry) error {
	again := false
	return f.outage.insist(ctx, func() error {
		err := f.fold(ctx, entries, again)
		again = true
		return err
	})
}

// forget drops what it knows of documents.
func (f *Folder) forget() {
	f.headers.clear()
	f.buckets.clear()
}

// fold tries once. With again set, every document is read from the store: what
// the cache has may be behind it.
func (f *Folder) fold(ctx context.Context, entries []Entry, again bool) error {
	d, err := f.load(ctx, entries, again)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Rejected == nil {
			d.apply(e)
			continue
		}
		if err := f.store.SetAside(ctx, *e.Rejected); err != nil {
			return fmt.Errorf("set event %d aside: %w", e.Seq, err)
		}
	}
	if changes := d.buckets.changes(bucketSeq); len(changes) > 0 {
		if err := f.store.PutBuckets(ctx, changes); err != nil {
			return fmt.Errorf("write targets: %w", err)
		}
	}
	if changes := d.headers.changes(headerSeq); len(changes) > 0 {
		if err := f.store.PutHeaders(ctx, changes); err != nil {
			return fmt.Errorf("write deployments: %w", err)
		}
	}
	f.keep(d)
	return nil
}

// load returns the documents that the entries are about.
func (f *Folder) load(ctx context.Context, entries []Entry, again bool) (*drafts, error) {
	d := newDrafts()
	for _, e := range entries {
		if e.Rejected != nil {
			continue
		}
		d.headers.want(e.Deployment)
		if i, ok := deploy.BucketOf(e.Record.Event); ok {
			d.buckets.want(BucketKey{e.Deployment, i})
		}
	}
	if err := d.headers.fill(ctx, f.headers, again, f.store.Headers, headerSeq); err != nil {
		return nil, fmt.Errorf("read deployments: %w", err)
	}
	if err := d.buckets.fill(ctx, f.buckets, again, f.store.Buckets, bucketSeq); err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
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
		f.headers.put(id, h)
	}
	for key, b := range d.buckets.docs {
		if !d.headers.docs[key.Deployment].State.Terminal() {
			f.buckets.put(key, b)
		}
	}
}
