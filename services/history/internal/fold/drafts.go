package fold

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// drafts are the documents of one deployment each while a batch is folded.
type drafts struct {
	headers *draftSet[string, deploy.Header]
	buckets *draftSet[BucketKey, deploy.Bucket]
	hosts   *draftSet[BucketKey, deploy.Hosts]
}

func newDrafts() *drafts {
	return &drafts{
		headers: newDraftSet[string](deploy.Header.Clone),
		buckets: newDraftSet[BucketKey](deploy.Bucket.Clone),
		hosts:   newDraftSet[BucketKey](func(h deploy.Hosts) deploy.Hosts { return h }), // its hosts are replaced, not changed
	}
}

// apply folds one entry. What was said on a host changes none of these.
func (d *drafts) apply(e Entry) {
	if _, output := outputOf(e); output {
		return
	}
	if i, ok := deploy.BucketOf(e.Record.Event); ok {
		b := d.buckets.own(BucketKey{e.Deployment, i})
		b.Deployment, b.Index = e.Deployment, i
		b.Fold(e.Record)
	}
	h := d.headers.own(e.Deployment)
	h.ID = e.Deployment
	h.Fold(e.Record)
	if key, ok := plannedBy(e); ok {
		on := d.hosts.own(key)
		on.Deployment, on.Index = key.Deployment, key.Index
		on.Fold(e.Record, h.AcceptedAt)
	}
}

// plannedBy returns which piece of targets an entry is the plan of, and false where it is of
// none.
func plannedBy(e Entry) (BucketKey, bool) {
	_, plans := e.Record.Event.(deploy.WasPlanned)
	i, ok := deploy.BucketOf(e.Record.Event)
	return BucketKey{e.Deployment, i}, plans && ok
}

// count has the headers count what their buckets hold now.
func (d *drafts) count() {
	for key := range d.buckets.owned {
		d.headers.own(key.Deployment).SetCounts(key.Index, d.buckets.docs[key].Counts())
	}
}

// ofKnown returns load without what is of deployments that have no header. If
// there are any, for a crash came before the header, writing them fails with ErrConflict.
func ofKnown[V any](d *drafts, load func(context.Context, []BucketKey) (map[BucketKey]V, error),
) func(context.Context, []BucketKey) (map[BucketKey]V, error) {
	return func(ctx context.Context, keys []BucketKey) (map[BucketKey]V, error) {
		var known []BucketKey
		for _, key := range keys {
			if d.headers.read[key.Deployment] > 0 {
				known = append(known, key)
			}
		}
		if len(known) == 0 {
			return nil, nil
		}
		return load(ctx, known)
	}
}

// target is the one that an event of the deployment is about.
func (d *drafts) target(deployment string, on deploy.TargetRef) deploy.Target {
	targets := d.buckets.docs[BucketKey{deployment, on.Target / deploy.PieceSize}].Targets
	if i := on.Target % deploy.PieceSize; i < len(targets) {
		return targets[i]
	}
	return deploy.Target{}
}

// draftSet are the documents of one kind, in the order in which they were first
// wanted.
type draftSet[K comparable, V any] struct {
	clone func(V) V
	keys  []K
	docs  map[K]*V
	owned map[K]bool   // those that are copies of this set's, and may be changed
	read  map[K]uint64 // sequence of the document that was read; 0: there was none
}

func newDraftSet[K comparable, V any](clone func(V) V) *draftSet[K, V] {
	return &draftSet[K, V]{clone: clone, docs: map[K]*V{}, owned: map[K]bool{}, read: map[K]uint64{}}
}

func (s *draftSet[K, V]) want(key K) {
	if _, ok := s.docs[key]; ok {
		return
	}
	var none V
	s.keys, s.docs[key] = append(s.keys, key), &none
}

// own returns a document that may be changed in place: what the cache has stays
// as it is. It is copied once a batch, not for each event.
func (s *draftSet[K, V]) own(key K) *V {
	doc := s.docs[key]
	if !s.owned[key] {
		*doc, s.owned[key] = s.clone(*doc), true
	}
	return doc
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
			s.set(key, doc, seqOf)
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
		s.set(key, doc, seqOf)
	}
	return nil
}

func (s *draftSet[K, V]) set(key K, doc V, seqOf func(V) uint64) {
	s.docs[key], s.read[key] = &doc, seqOf(doc)
}

// changes are the documents into which something was folded.
func (s *draftSet[K, V]) changes(seqOf func(V) uint64) []Change[V] {
	var changed []Change[V]
	for _, key := range s.keys {
		if doc := *s.docs[key]; s.owned[key] && seqOf(doc) != s.read[key] {
			changed = append(changed, Change[V]{Doc: doc, Read: s.read[key]})
		}
	}
	return changed
}

// put writes the documents of a set that have changed, if any.
func put[K comparable, V any](ctx context.Context, s *draftSet[K, V], seqOf func(V) uint64, write func(context.Context, []Change[V]) error) error {
	if changes := s.changes(seqOf); len(changes) > 0 {
		return write(ctx, changes)
	}
	return nil
}

// keep remembers what is stored now.
func (s *draftSet[K, V]) keep(known *cache[K, V]) {
	for _, key := range s.keys {
		known.put(key, *s.docs[key])
	}
}

func headerSeq(h deploy.Header) uint64         { return h.Seq }
func bucketSeq(b deploy.Bucket) uint64         { return b.Seq }
func hostsSeq(h deploy.Hosts) uint64           { return h.Seq }
func statisticsSeq(s deploy.Statistics) uint64 { return s.Seq }
func placementsSeq(p deploy.Placements) uint64 { return p.Seq }
func departuresSeq(d deploy.Departures) uint64 { return d.Seq }
