package store

import (
	"context"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// SetAside implements fold.Store.
func (s *Store) SetAside(ctx context.Context, r fold.Rejected) error {
	id := strconv.FormatUint(r.Seq, 10)
	_, err := s.collection(setAside).ReplaceOne(ctx, bson.D{{Key: "_id", Value: id}},
		setAsideDoc{ID: id, Seq: int64(r.Seq), At: r.At, Subject: r.Subject, Reason: r.Reason, Data: r.Data}, options.Replace().SetUpsert(true))
	return err
}

// Aside implements query.Documents.
func (s *Store) Aside(ctx context.Context, limit int) (int64, []fold.Rejected, error) {
	n, err := s.collection(setAside).CountDocuments(ctx, bson.D{})
	if err != nil || limit == 0 || n == 0 {
		return n, nil, err
	}
	var docs []setAsideDoc
	newest := options.Find().SetSort(bson.D{{Key: "seq", Value: -1}}).SetLimit(int64(limit))
	if err := s.find(ctx, setAside, bson.D{}, newest, &docs); err != nil {
		return 0, nil, err
	}
	found := make([]fold.Rejected, 0, len(docs))
	for _, d := range docs {
		seq, _ := strconv.ParseUint(d.ID, 10, 64)
		found = append(found, fold.Rejected{Seq: seq, Subject: d.Subject, Reason: d.Reason, At: d.At, Data: d.Data})
	}
	return n, found, nil
}
