package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Headers implements fold.Store and query.Documents.
func (s *Store) Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error) {
	return byKey(ctx, s, deployments, ids, func(id string) string { return id }, func(d headerDoc) (string, deploy.Header) { return d.ID, d.toHeader() })
}

// Buckets implements fold.Store and query.Documents.
func (s *Store) Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error) {
	return byKey(ctx, s, targets, keys, bucketID, func(d bucketDoc) (fold.BucketKey, deploy.Bucket) {
		return fold.BucketKey{Deployment: d.Deployment, Index: d.Index}, d.toBucket()
	})
}

// byKey reads the documents of these keys.
func byKey[K comparable, D, V any](ctx context.Context, s *Store, collection string, keys []K, id func(K) string, convert func(D) (K, V)) (map[K]V, error) {
	ids := make([]string, 0, len(keys))
	for _, key := range keys {
		ids = append(ids, id(key))
	}
	docs, err := byID[D](ctx, s, collection, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[K]V, len(docs))
	for _, d := range docs {
		key, doc := convert(d)
		found[key] = doc
	}
	return found, nil
}

// byID reads documents by their ids: one by one where only that is served by an
// index (Config.SingleWriter), else together.
func byID[D any](ctx context.Context, s *Store, collection string, ids []string) ([]D, error) {
	if !s.singleWriter && len(ids) > 1 {
		var docs []D
		err := s.find(ctx, collection, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, options.Find(), &docs)
		return docs, err
	}
	found, failed := make([]*D, len(ids)), make([]error, readAtOnce)
	var next atomic.Int64
	var readers sync.WaitGroup
	for reader := range min(readAtOnce, len(ids)) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(ids)) && failed[reader] == nil; i = next.Add(1) - 1 {
				found[i], failed[reader] = oneByID[D](ctx, s, collection, ids[i])
			}
		})
	}
	readers.Wait()
	var docs []D
	for _, doc := range found {
		if doc != nil {
			docs = append(docs, *doc)
		}
	}
	return docs, errors.Join(failed...)
}

// readAtOnce bounds how many documents are read at once, each on a connection.
const readAtOnce = 4

// oneByID returns nil where there is no such document.
func oneByID[D any](ctx context.Context, s *Store, collection, id string) (*D, error) {
	var doc D
	err := s.collection(collection).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&doc)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s from %s: %w", id, collection, err)
	}
	return &doc, nil
}

func (s *Store) find(ctx context.Context, collection string, filter bson.D, opts *options.FindOptionsBuilder, into any) error {
	cursor, err := s.collection(collection).Find(ctx, filter, opts)
	if err == nil {
		err = cursor.All(ctx, into)
	}
	if err != nil {
		return fmt.Errorf("search %s: %w", collection, err)
	}
	return nil
}

// Checkpoint implements fold.Store.
func (s *Store) Checkpoint(ctx context.Context) (fold.Checkpoint, error) {
	docs, err := byID[checkpointDoc](ctx, s, checkpoints, []string{checkpointID})
	if err != nil || len(docs) == 0 {
		return fold.Checkpoint{}, err
	}
	d := docs[0]
	return fold.Checkpoint{Seq: uint64(d.Seq), Installation: d.Installation, Holder: d.Holder, Beat: uint64(d.Beat)}, nil
}

// checkpointID is the _id of the checkpoint of the stream EV.
const checkpointID = "ev"

func bucketID(key fold.BucketKey) string { return key.Deployment + "/" + strconv.Itoa(key.Index) }
