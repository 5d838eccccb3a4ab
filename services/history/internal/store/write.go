package store

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// bulkSize bounds one bulk write. Every update of one holds a connection of
// FerretDB's 100 to SQLite until the bulk ends, and all of them wait for ever
// when none is left: two bulks at once stay below that, with room for reads.
const bulkSize = 40

// change is a document to write in place of the one with the sequence read; 0:
// of none.
type change struct {
	id   string
	doc  any
	read uint64
}

// PutHeaders implements fold.Store.
func (s *Store) PutHeaders(ctx context.Context, changes []fold.Change[deploy.Header]) error {
	err := putAll(ctx, s, deployments, changes, func(h deploy.Header) (string, any) { return h.ID, headerToDoc(h) })
	if s.listing != nil {
		s.note(changes, err)
	}
	return err
}

// note has the listing know what was written, or may have been.
func (s *Store) note(changes []fold.Change[deploy.Header], failed error) {
	for _, c := range changes {
		if failed != nil {
			s.listing.Doubt(c.Doc.ID)
		} else {
			s.listing.Put(c.Doc)
		}
	}
}

// PutBuckets implements fold.Store.
func (s *Store) PutBuckets(ctx context.Context, changes []fold.Change[deploy.Bucket]) error {
	return putAll(ctx, s, targets, changes, func(b deploy.Bucket) (string, any) {
		d := bucketToDoc(b)
		return d.ID, d
	})
}

// putAll writes documents.
func putAll[V any](ctx context.Context, s *Store, collection string, changes []fold.Change[V], convert func(V) (string, any)) error {
	all := make([]change, 0, len(changes))
	for _, c := range changes {
		id, doc := convert(c.Doc)
		all = append(all, change{id: id, doc: doc, read: c.Read})
	}
	return s.write(ctx, collection, all)
}

// write writes the changes in bulks. A conflict in one does not keep the others
// from being written.
func (s *Store) write(ctx context.Context, collection string, changes []change) error {
	var conflict error
	for some := range slices.Chunk(changes, bulkSize) {
		matched, err := s.writeBulk(ctx, collection, some)
		switch {
		case isRefusal(err):
			return fmt.Errorf("write to %s: %w: %w", collection, fold.ErrRefused, err)
		case err != nil && !isDuplicate(err):
			return fmt.Errorf("write to %s: %w", collection, err)
		case err != nil || matched < replaced(some):
			conflict = fmt.Errorf("write to %s: %w", collection, fold.ErrConflict)
		}
	}
	return conflict
}

// writeBulk returns how many documents were there to be replaced.
func (s *Store) writeBulk(ctx context.Context, collection string, changes []change) (int64, error) {
	models := make([]mongo.WriteModel, 0, len(changes))
	for _, c := range changes {
		if c.read == 0 {
			models = append(models, mongo.NewInsertOneModel().SetDocument(c.doc))
			continue
		}
		// Without upsert: a document that is gone was lost, with all that it held.
		models = append(models, mongo.NewReplaceOneModel().SetFilter(s.asRead(c)).SetReplacement(c.doc))
	}
	result, err := s.collection(collection).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if result == nil {
		return 0, err
	}
	return result.MatchedCount, err
}

// asRead matches the document as it was read; see Config.SingleWriter.
func (s *Store) asRead(c change) bson.D {
	if s.singleWriter {
		return bson.D{{Key: "_id", Value: c.id}}
	}
	return bson.D{{Key: "_id", Value: c.id}, {Key: "seq", Value: int64(c.read)}}
}

func replaced(changes []change) int64 {
	var n int64
	for _, c := range changes {
		if c.read > 0 {
			n++
		}
	}
	return n
}

// PutCheckpoint implements fold.Store.
func (s *Store) PutCheckpoint(ctx context.Context, next, read fold.Checkpoint) error {
	doc := checkpointDoc{
		ID: checkpointID, Seq: int64(next.Seq), Installation: next.Installation, Holder: next.Holder, Beat: int64(next.Beat),
	}
	there := s.collection(checkpoints)
	var err error
	if read == (fold.Checkpoint{}) {
		_, err = there.InsertOne(ctx, doc)
	} else {
		filter := bson.D{{Key: "_id", Value: checkpointID}}
		if !s.singleWriter {
			filter = append(filter, bson.E{Key: "seq", Value: int64(read.Seq)}, bson.E{Key: "installation", Value: read.Installation},
				field("holder", read.Holder), field("beat", int64(read.Beat)))
		}
		var result *mongo.UpdateResult
		if result, err = there.ReplaceOne(ctx, filter, doc); err == nil && result.MatchedCount == 0 {
			return fold.ErrConflict
		}
	}
	if isDuplicate(err) {
		return fold.ErrConflict
	}
	return err
}

// field matches a field that is left out where it is zero.
func field[T comparable](name string, value T) bson.E {
	var none T
	if value == none {
		return bson.E{Key: name, Value: bson.D{{Key: "$exists", Value: false}}}
	}
	return bson.E{Key: name, Value: value}
}
