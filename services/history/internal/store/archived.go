package store

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// archivedDoc is what stays of a deployment whose documents went to the archive.
type archivedDoc struct {
	ID       string    `bson:"_id"` // the deployment
	File     string    `bson:"file"`
	At       time.Time `bson:"at"`
	Removing bool      `bson:"removing,omitempty"`
	Pieces   int       `bson:"pieces,omitempty"`
	Restored time.Time `bson:"restored,omitempty"`
	// Unsettled is what the few are found by that are being removed, or were restored.
	Unsettled bool `bson:"unsettled,omitempty"`
}

func (d archivedDoc) toArchived() fold.Archived {
	return fold.Archived{Deployment: d.ID, File: d.File, At: d.At, Removing: d.Removing, Pieces: d.Pieces, Restored: d.Restored}
}

// Archived implements fold.Store and query.Documents.
func (s *Store) Archived(ctx context.Context, deployments []string) (map[string]fold.Archived, error) {
	docs, err := byID[archivedDoc](ctx, s, archived, deployments)
	if err != nil {
		return nil, err
	}
	found := make(map[string]fold.Archived, len(docs))
	for _, d := range docs {
		found[d.ID] = d.toArchived()
	}
	return found, nil
}

// PutArchived notes this of a deployment, in place of what was noted before.
func (s *Store) PutArchived(ctx context.Context, a fold.Archived) error {
	_, err := s.collection(archived).ReplaceOne(ctx, bson.D{{Key: "_id", Value: a.Deployment}}, archivedDoc{
		ID: a.Deployment, File: a.File, At: a.At, Removing: a.Removing, Pieces: a.Pieces, Restored: a.Restored,
		Unsettled: a.Removing || !a.Restored.IsZero(),
	}, options.Replace().SetUpsert(true))
	if err != nil {
		return fmt.Errorf("write %s to %s: %w", a.Deployment, archived, err)
	}
	return nil
}

// Unsettled returns what is noted of the deployments that are being removed, or that were
// brought back.
func (s *Store) Unsettled(ctx context.Context) ([]fold.Archived, error) {
	var docs []archivedDoc
	if err := s.find(ctx, archived, bson.D{{Key: "unsettled", Value: true}}, options.Find(), &docs); err != nil {
		return nil, err
	}
	found := make([]fold.Archived, 0, len(docs))
	for _, d := range docs {
		found = append(found, d.toArchived())
	}
	return found, nil
}
