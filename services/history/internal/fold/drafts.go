package fold

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// drafts are the documents of one batch while it is folded.
type drafts struct {
	headers *draftSet[string, deploy.Header]
	buckets *draftSet[BucketKey, deploy.Bucket]
}

func newDrafts() *drafts {
	return &drafts{headers: newDraftSet[string, deploy.Header](), buckets: newDraftSet[BucketKey, deploy.Bucket]()}
}

// apply folds one entry: into its bucket first, whose counts the header copies.
func (d *drafts) apply(e Entry) {
	var counts *deploy.Counts
	if i, ok := deploy.BucketOf(e.Record.Event); ok {
		key := BucketKey{e.Deployment, i}
		b := d.buckets.docs[key]
		b.Deployment, b.Index = e.Deployment, i
		b = deploy.FoldBucket(b, e.Record)
		d.buckets.docs[key] = b
		c := b.Counts()
		counts = &c
	}
	h := d.headers.docs[e.Deployment]
	h.ID = e.Deployment
	d.headers.docs[e.Deployment] = deploy.FoldHeader(h, e.Record, counts)
}

// draftSet are the documents of one kind, in the order in which they were first
// wanted.
type draftSet[K comparable, V any] struct {
	keys []K
	docs map[K]V
	read map[K]uint64 // sequence of the document that was read; 0: there was none
}

func newDraftSet[K comparable, V any]() *draftSet[K, V] {
	return &draftSet[K, V]{docs: map[K]V{}, read: map[K]uint64{}}
}

func (s *draftSet[K, V]) want(key K) {
	if _, ok := s.docs[key]; ok {
		return
	}
	var none V
	s.keys, s.docs[key] = append(s.keys, key), none
}

// fill takes the documents from the cache and those that it has not from the
// store; with again set, all from the store. It fails with ErrLost where the
// store is behind the cache.
func (s *draftSet[K, V]) fill(ctx context.Context, known *cache[K, V], again bool,
	load func(context.Context, []K) (map[K]V, error), seqOf func(V) uint64,
) error {
	var missing []K
	for _, key := range s.keys {
		if doc, ok := known.get(key); ok && !again {
			s.docs[key], s.read[key] = doc, seqOf(doc)
			continue
		}
		missing = append(missing, key)
	}
	if len(missing) == 0 {
		return nil
	}
	loaded, err := load(ctx, missing)
	if err != nil {
		return err
	}
	for _, key := range missing {
		doc := loaded[key]
		if had, ok := known.get(key); ok && seqOf(doc) < seqOf(had) {
			return fmt.Errorf("%w: %v stands at event %d and stood at %d", ErrLost, key, seqOf(doc), seqOf(had))
		}
		s.docs[key], s.read[key] = doc, seqOf(doc)
	}
	return nil
}

// changes are the documents into which something was folded.
func (s *draftSet[K, V]) changes(seqOf func(V) uint64) []Change[V] {
	var changed []Change[V]
	for _, key := range s.keys {
		if doc := s.docs[key]; seqOf(doc) != s.read[key] {
			changed = append(changed, Change[V]{Doc: doc, Read: s.read[key]})
		}
	}
	return changed
}

func headerSeq(h deploy.Header) uint64 { return h.Seq }
func bucketSeq(b deploy.Bucket) uint64 { return b.Seq }
