package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// Folded returns the names of the collections that folding makes, in the order in
// which it writes them.
func Folded() []string {
	return []string{targets, deployments, hosts, logs, outputs, statistics, departures, placements, setAside}
}

// OfDeployments returns the names of the collections whose documents are of one deployment
// each.
func OfDeployments() []string { return []string{deployments, targets, hosts, outputs, logs} }

// Document is one of any collection, as it is stored.
type Document struct {
	ID           string
	Seq          uint64 // last event folded
	Installation string // whose events, where the collection says it
	Raw          bson.Raw
}

// Empty removes all documents and what they were in.
func (s *Store) Empty(ctx context.Context) error {
	for _, name := range Collections() {
		if err := s.collection(name).Drop(ctx); err != nil {
			return fmt.Errorf("drop %s: %w", s.prefix+name, err)
		}
	}
	return nil
}

// Each calls do with every document of a collection, in the order of ids, until it
// fails.
func (s *Store) Each(ctx context.Context, collection string, do func(Document) error) error {
	cursor, err := s.collection(collection).Find(ctx, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return fmt.Errorf("read %s: %w", collection, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what is not read is of no interest
	for cursor.Next(ctx) {
		if err := do(DocumentOf(append(bson.Raw{}, cursor.Current...))); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return fmt.Errorf("read %s: %w", collection, err)
	}
	return nil
}

// Read returns a document, and false where there is none.
func (s *Store) Read(ctx context.Context, collection, id string) (Document, bool, error) {
	raw, err := s.collection(collection).FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return Document{}, false, nil
	}
	if err != nil {
		return Document{}, false, fmt.Errorf("read %s from %s: %w", id, collection, err)
	}
	return DocumentOf(raw), true, nil
}

// Replace puts a document in the place of one that was read with this sequence; 0:
// of none. It fails with fold.ErrConflict where that is not there any more.
func (s *Store) Replace(ctx context.Context, collection string, d Document, read uint64) error {
	err := s.write(ctx, collection, []change{{id: d.ID, doc: d.Raw, read: read}})
	switch {
	case s.listing == nil:
	case collection == deployments:
		s.listing.Doubt(d.ID)
	case collection == hosts:
		s.listing.DoubtHosts(d.Deployment())
	}
	return err
}

// Remove removes a document that was read with this sequence. It fails with
// fold.ErrConflict where that is not there.
func (s *Store) Remove(ctx context.Context, collection, id string, read uint64) error {
	result, err := s.collection(collection).DeleteOne(ctx, s.asRead(change{id: id, read: read}))
	if s.listing != nil && collection == deployments {
		s.listing.Doubt(id)
	}
	if err != nil {
		return fmt.Errorf("remove %s from %s: %w", id, collection, err)
	}
	if result.DeletedCount == 0 {
		return fmt.Errorf("remove %s from %s: %w", id, collection, fold.ErrConflict)
	}
	return nil
}

// DocumentOf returns a document as it is stored.
func DocumentOf(raw bson.Raw) Document {
	id, _ := raw.Lookup("_id").StringValueOK()
	seq, _ := raw.Lookup("seq").AsInt64OK()
	installation, _ := raw.Lookup("installation").StringValueOK()
	return Document{ID: id, Seq: uint64(seq), Installation: installation, Raw: raw}
}

// Time is the time in a field; zero: it has none.
func (d Document) Time(field string) time.Time {
	at, _ := d.Raw.Lookup(field).TimeOK()
	return at
}

// Whole says whether a header knows its deployment from its beginning.
func (d Document) Whole() bool { return len(d.Raw.Lookup("accepted_at").Value) > 0 }

// Deployment is the one that a header, a bucket or what goes with that is of.
func (d Document) Deployment() string {
	if of, ok := d.Raw.Lookup("deployment").StringValueOK(); ok {
		return of
	}
	return d.ID
}

// Difference names the first field in which two documents differ; "" where they do
// not. The order of fields means nothing: a store may keep another one.
func (d Document) Difference(other Document) string {
	var mine, theirs bson.M
	if bson.Unmarshal(d.Raw, &mine) != nil || bson.Unmarshal(other.Raw, &theirs) != nil {
		return "it cannot be read"
	}
	return differ("", mine, theirs)
}

func differ(at string, a, b any) string {
	switch a := a.(type) {
	case bson.M:
		return differInFields(at, a, b)
	case bson.D:
		return differInFields(at, asMap(a), b)
	case bson.A:
		b, ok := b.(bson.A)
		if !ok || len(a) != len(b) {
			return at
		}
		for i := range a {
			if where := differ(fmt.Sprintf("%s[%d]", at, i), a[i], b[i]); where != "" {
				return where
			}
		}
		return ""
	}
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return at
}

func differInFields(at string, a bson.M, b any) string {
	if d, ok := b.(bson.D); ok {
		b = asMap(d)
	}
	other, ok := b.(bson.M)
	if !ok {
		return at
	}
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range other {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if where := differ(strings.TrimPrefix(at+"."+name, "."), a[name], other[name]); where != "" {
			return where
		}
	}
	return ""
}

func asMap(d bson.D) bson.M {
	m := bson.M{}
	for _, e := range d {
		m[e.Key] = e.Value
	}
	return m
}
