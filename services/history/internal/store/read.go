package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// Headers implements fold.Store and query.Documents.
func (s *Store) Headers(ctx context.Context, ids []string) (map[string]deploy.Header, error) {
	docs, err := byID[headerDoc](ctx, s, deployments, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[string]deploy.Header, len(docs))
	for _, d := range docs {
		found[d.ID] = d.toHeader()
	}
	return found, nil
}

// Buckets implements fold.Store and query.Documents.
func (s *Store) Buckets(ctx context.Context, keys []fold.BucketKey) (map[fold.BucketKey]deploy.Bucket, error) {
	ids := make([]string, 0, len(keys))
	for _, key := range keys {
		ids = append(ids, bucketID(key))
	}
	docs, err := byID[bucketDoc](ctx, s, targets, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[fold.BucketKey]deploy.Bucket, len(docs))
	for _, d := range docs {
		found[fold.BucketKey{Deployment: d.Deployment, Index: d.Index}] = d.toBucket()
	}
	return found, nil
}

// byID reads documents by their ids: one by one where only that is served by an
// index (Config.SingleWriter), else together.
func byID[D any](ctx context.Context, s *Store, collection string, ids []string) ([]D, error) {
	var docs []D
	if !s.singleWriter && len(ids) > 1 {
		err := s.find(ctx, collection, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, options.Find(), &docs)
		return docs, err
	}
	for _, id := range ids {
		var doc D
		err := s.db.Collection(collection).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&doc)
		if errors.Is(err, mongo.ErrNoDocuments) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s from %s: %w", id, collection, err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// List implements query.Documents.
func (s *Store) List(ctx context.Context, page query.Page) ([]deploy.Header, error) {
	// A header without a state is of a deployment whose beginning is not kept any
	// more.
	filter := bson.D{{Key: "state", Value: bson.D{{Key: "$exists", Value: true}}}}
	if page.State != "" {
		filter = bson.D{{Key: "state", Value: string(page.State)}}
	}
	if page.Application != "" {
		filter = append(filter, bson.E{Key: "application", Value: page.Application})
	}
	if page.Before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: page.Before}}})
	}
	newestFirst := options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(int64(page.Limit))
	var docs []headerDoc
	if err := s.find(ctx, deployments, filter, newestFirst, &docs); err != nil {
		return nil, err
	}
	headers := make([]deploy.Header, 0, len(docs))
	for _, d := range docs {
		headers = append(headers, d.toHeader())
	}
	return headers, nil
}

func (s *Store) find(ctx context.Context, collection string, filter bson.D, opts *options.FindOptionsBuilder, into any) error {
	cursor, err := s.db.Collection(collection).Find(ctx, filter, opts)
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
	return fold.Checkpoint{Seq: uint64(docs[0].Seq), Installation: docs[0].Installation}, nil
}

// checkpointID is the _id of the checkpoint of the stream EV.
const checkpointID = "ev"

func bucketID(key fold.BucketKey) string { return key.Deployment + "/" + strconv.Itoa(key.Index) }
