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
	if s.listing != nil && page.Server == "" {
		return s.listing.List(ctx, page)
	}
	filter, err := s.filter(ctx, page)
	if err != nil {
		return nil, err
	}
	direction := -1
	if page.OldestFirst {
		direction = 1
	}
	opts := options.Find().SetLimit(int64(page.Limit)).
		SetSort(bson.D{{Key: "accepted_at", Value: direction}, {Key: "_id", Value: direction}})
	var docs []headerDoc
	if err := s.find(ctx, deployments, filter, opts, &docs); err != nil {
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
	cursor, err := s.collection(deployments).Find(ctx, bson.D{}, options.Find().SetBatchSize(readTogether))
	if err != nil {
		return fmt.Errorf("read %s: %w", deployments, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what is not read is of no interest
	for cursor.Next(ctx) {
		var d headerDoc
		if err := cursor.Decode(&d); err != nil {
			return fmt.Errorf("read from %s: %w", deployments, err)
		}
		if err := do(d.toHeader()); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read %s: %w", deployments, err)
	}
	return nil
}

// filter is what the headers of a page match.
func (s *Store) filter(ctx context.Context, page query.Page) (bson.D, error) {
	accepted := bson.D{{Key: "$gte", Value: later(page.From, time.UnixMilli(0))}} // it is not there where the beginning is not known
	if !page.To.IsZero() {
		accepted = append(accepted, bson.E{Key: "$lt", Value: page.To})
	}
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
	var all bson.A
	for _, word := range page.Words {
		all = append(all, bson.D{{Key: "words", Value: bson.Regex{Pattern: "^" + regexp.QuoteMeta(word)}}})
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
				bson.D{{Key: "_id", Value: bson.D{{Key: beyond, Value: after.ID}}}},
			}}})
	}
	if page.Server != "" {
		ids, err := s.deploymentsOn(ctx, page.Server)
		if err != nil {
			return nil, err
		}
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}})
	}
	filter = append(filter, bson.E{Key: "accepted_at", Value: accepted})
	if len(all) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: all})
	}
	return filter, nil
}

// deploymentsOn returns the ids of all deployments that the server is a target of.
func (s *Store) deploymentsOn(ctx context.Context, server string) ([]string, error) {
	var docs []struct {
		Deployment string `bson:"deployment"`
	}
	err := s.find(ctx, targets, bson.D{{Key: "targets.host", Value: server}},
		options.Find().SetProjection(bson.D{{Key: "deployment", Value: 1}}), &docs)
	if err != nil {
		return nil, fmt.Errorf("deployments on %s: %w", server, err)
	}
	ids := make([]string, 0, len(docs))
	for _, d := range docs {
		ids = append(ids, d.Deployment)
	}
	return ids, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
