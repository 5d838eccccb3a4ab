package store

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// The documents that a deployment has for itself.

// Own calls do with all documents of a deployment that has so many pieces of targets,
// its header first, until it fails.
func (s *Store) Own(ctx context.Context, deployment string, pieces int, do func(collection string, d Document) error) error {
	give := func(collection, id string) error {
		d, there, err := s.Read(ctx, collection, id)
		if err != nil || !there {
			return err
		}
		return do(collection, d)
	}
	if err := give(deployments, deployment); err != nil {
		return err
	}
	for i := range pieces {
		id := bucketID(fold.BucketKey{Deployment: deployment, Index: i})
		if err := give(targets, id); err != nil {
			return err
		}
		if err := give(hosts, id); err != nil {
			return err
		}
		if err := give(outputs, id); err != nil {
			return err
		}
		pages, err := s.pagesOf(ctx, deployment, i)
		if err != nil {
			return err
		}
		for _, page := range pages {
			if err := give(logs, page); err != nil {
				return err
			}
		}
	}
	return nil
}

// pagesOf returns the ids of the pages of output of a piece of targets.
func (s *Store) pagesOf(ctx context.Context, deployment string, piece int) ([]string, error) {
	key := fold.BucketKey{Deployment: deployment, Index: piece}
	found, err := s.Outputs(ctx, []fold.BucketKey{key})
	if err != nil {
		return nil, err
	}
	var ids []string
	for number := range (found[key].Lines + deploy.OutputPage - 1) / deploy.OutputPage {
		ids = append(ids, pageID(fold.PageKey{Deployment: deployment, Index: piece, Number: number}))
	}
	return ids, nil
}

// RemoveHeader removes a header that was read with this sequence, and with that the
// deployment from all answers. It fails with fold.ErrConflict where that is not there.
func (s *Store) RemoveHeader(ctx context.Context, deployment string, read uint64) error {
	return s.Remove(ctx, deployments, deployment, read)
}

// RemoveOwn removes what a deployment has beside its header. What says which pages there
// are goes after them, so that it can be repeated.
func (s *Store) RemoveOwn(ctx context.Context, deployment string, pieces int) error {
	for i := range pieces {
		pages, err := s.pagesOf(ctx, deployment, i)
		if err != nil {
			return err
		}
		id := []string{bucketID(fold.BucketKey{Deployment: deployment, Index: i})}
		for _, some := range []struct {
			collection string
			ids        []string
		}{{logs, pages}, {outputs, id}, {hosts, id}, {targets, id}} {
			if err := s.remove(ctx, some.collection, some.ids); err != nil {
				return fmt.Errorf("remove from %s: %w", some.collection, err)
			}
		}
	}
	return nil
}

// remove removes documents by their ids, as byID reads them.
func (s *Store) remove(ctx context.Context, collection string, ids []string) error {
	if s.singleWriter {
		for _, id := range ids {
			if _, err := s.collection(collection).DeleteOne(ctx, bson.D{{Key: "_id", Value: id}}); err != nil {
				return err
			}
		}
		return nil
	}
	for some := range slices.Chunk(ids, bulkSize) {
		if _, err := s.collection(collection).DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: some}}}}); err != nil {
			return err
		}
	}
	return nil
}
