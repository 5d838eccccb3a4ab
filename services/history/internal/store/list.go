package store

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// readTogether is how many headers come with one answer where all are read.
const readTogether = 500

// List implements query.Documents.
func (s *Store) List(ctx context.Context, page query.Page) ([]deploy.Header, error) {
	if s.listing != nil {
		return s.listing.List(ctx, page)
	}
	if page.Server != "" {
		return s.listOn(ctx, page)
	}
	var docs []headerDoc
	if err := s.find(ctx, deployments, matching(page), inOrder(page, "_id").SetLimit(int64(page.Limit)), &docs); err != nil {
		return nil, err
	}
	headers := make([]deploy.Header, 0, len(docs))
	for _, d := range docs {
		headers = append(headers, d.toHeader())
	}
	return headers, nil
}

// EachHeader implements listing.Source.
func (s *Store) EachHeader(ctx context.Context, do func(deploy.Header) error) error {
	return each(ctx, s, deployments, func(d headerDoc) error { return do(d.toHeader()) })
}

// each calls do with every document of a collection, in whatever order, until it fails.
func each[D any](ctx context.Context, s *Store, collection string, do func(D) error) error {
	cursor, err := s.collection(collection).Find(ctx, bson.D{}, options.Find().SetBatchSize(readTogether))
	if err != nil {
		return fmt.Errorf("read %s: %w", collection, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what is not read is of no interest
	for cursor.Next(ctx) {
		var d D
		if err := cursor.Decode(&d); err != nil {
			return fmt.Errorf("read from %s: %w", collection, err)
		}
		if err := do(d); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read %s: %w", collection, err)
	}
	return nil
}

// matching is what the headers of a page match, but for its server, of which they say nothing.
func matching(page query.Page) bson.D {
	var filter bson.D
	for _, f := range []struct{ name, value string }{
		{"application", page.Application}, {"project", page.Project}, {"state", string(page.State)}, {"actor", page.Actor}, {"batch", page.Batch},
		{"stage", page.Stage}, {"template", page.Template},
	} {
		if f.value != "" {
			filter = append(filter, bson.E{Key: f.name, Value: f.value})
		}
	}
	if len(page.Metadata) > 0 {
		var noted bson.A // elements as a whole: a name and a value of one
		for _, n := range page.Metadata {
			noted = append(noted, noteDoc(n))
		}
		filter = append(filter, bson.E{Key: "metadata", Value: bson.D{{Key: "$all", Value: noted}}})
	}
	accepted, all := span(page, "_id")
	for _, word := range page.Words {
		all = append(all, bson.D{{Key: "words", Value: bson.Regex{Pattern: "^" + regexp.QuoteMeta(word)}}})
	}
	filter = append(filter, accepted)
	if len(all) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: all})
	}
	return filter
}

// span is what the documents of a page match of when deployments were accepted; id is the
// field with the id of the deployment.
func span(page query.Page, id string) (accepted bson.E, all bson.A) {
	within := bson.D{{Key: "$gte", Value: later(page.From, time.UnixMilli(0))}} // it is not there where the beginning is not known
	if !page.To.IsZero() {
		within = append(within, bson.E{Key: "$lt", Value: page.To})
	}
	if after := page.After; after != (query.Place{}) {
		not, beyond := "$lte", "$lt"
		if page.OldestFirst {
			not, beyond = "$gte", "$gt"
		}
		// The first of the two bounds the search in the index, the second is exact.
		all = append(all, bson.D{{Key: "accepted_at", Value: bson.D{{Key: not, Value: after.AcceptedAt}}}},
			bson.D{{Key: "$or", Value: bson.A{
				bson.D{{Key: "accepted_at", Value: bson.D{{Key: beyond, Value: after.AcceptedAt}}}},
				bson.D{{Key: id, Value: bson.D{{Key: beyond, Value: after.ID}}}},
			}}})
	}
	return bson.E{Key: "accepted_at", Value: within}, all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
