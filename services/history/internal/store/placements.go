package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

type placementsDoc struct {
	ID           string         `bson:"_id"` // partID
	Seq          int64          `bson:"seq"`
	Installation string         `bson:"installation"`
	Application  string         `bson:"application"`
	Part         int            `bson:"part"`
	Day          string         `bson:"day,omitempty"`
	Gone         int            `bson:"gone,omitempty"`
	All          []placementDoc `bson:"all"`
}

type departuresDoc struct {
	ID           string         `bson:"_id"` // departureID
	Seq          int64          `bson:"seq"`
	Installation string         `bson:"installation"`
	Application  string         `bson:"application"`
	Part         int            `bson:"part"`
	Day          string         `bson:"day"`
	Number       int            `bson:"number"`
	All          []placementDoc `bson:"all"`
}

type placementDoc struct {
	Host       string    `bson:"host"`
	Name       string    `bson:"name"`
	Path       string    `bson:"path"`
	Version    string    `bson:"version"`
	Deployment string    `bson:"deployment,omitempty"`
	Since      time.Time `bson:"since"`
	Until      time.Time `bson:"until,omitempty"`
}

func partID(key fold.PartKey) string { return strconv.Itoa(key.Part) + "/" + key.Application }

func departureID(key fold.DepartureKey) string {
	return key.Day + "/" + strconv.Itoa(key.Number) + "/" + partID(key.PartKey)
}

// Placements implements fold.Store.
func (s *Store) Placements(ctx context.Context, keys []fold.PartKey) (map[fold.PartKey]deploy.Placements, error) {
	return byKey(ctx, s, placements, keys, partID, func(d placementsDoc) (fold.PartKey, deploy.Placements) {
		return fold.PartKey{Application: d.Application, Part: d.Part}, d.toPlacements()
	})
}

// PutPlacements implements fold.Store.
func (s *Store) PutPlacements(ctx context.Context, changes []fold.Change[deploy.Placements]) error {
	return putAll(ctx, s, placements, changes, func(p deploy.Placements) (string, any) {
		id := partID(fold.PartKey{Application: p.Application, Part: p.Part})
		return id, placementsDoc{
			ID: id, Seq: int64(p.Seq), Installation: p.Installation, Application: p.Application, Part: p.Part,
			Day: p.Day, Gone: p.Gone, All: placementsToDoc(p.All),
		}
	})
}

// Departures implements fold.Store.
func (s *Store) Departures(ctx context.Context, keys []fold.DepartureKey) (map[fold.DepartureKey]deploy.Departures, error) {
	return byKey(ctx, s, departures, keys, departureID, func(d departuresDoc) (fold.DepartureKey, deploy.Departures) {
		return fold.DepartureKey{PartKey: fold.PartKey{Application: d.Application, Part: d.Part}, Day: d.Day, Number: d.Number}, d.toDepartures()
	})
}

// PutDepartures implements fold.Store.
func (s *Store) PutDepartures(ctx context.Context, changes []fold.Change[deploy.Departures]) error {
	return putAll(ctx, s, departures, changes, func(p deploy.Departures) (string, any) {
		id := departureID(fold.DepartureKey{PartKey: fold.PartKey{Application: p.Application, Part: p.Part}, Day: p.Day, Number: p.Number})
		return id, departuresDoc{
			ID: id, Seq: int64(p.Seq), Installation: p.Installation, Application: p.Application, Part: p.Part, Day: p.Day,
			Number: p.Number, All: placementsToDoc(p.All),
		}
	})
}

// Running implements query.Documents.
func (s *Store) Running(ctx context.Context, page query.RunningPage) ([]deploy.Placements, error) {
	opts := options.Find().SetLimit(int64(page.Limit)).SetSort(bson.D{{Key: "application", Value: 1}, {Key: "part", Value: 1}})
	var docs []placementsDoc
	if err := s.find(ctx, placements, runningFilter(page), opts, &docs); err != nil {
		return nil, err
	}
	found := make([]deploy.Placements, 0, len(docs))
	for _, d := range docs {
		found = append(found, d.toPlacements())
	}
	return found, nil
}

func runningFilter(page query.RunningPage) bson.D {
	filter := bson.D{}
	if page.Server != "" {
		filter = append(filter, bson.E{Key: "all.host", Value: page.Server})
	}
	if page.Application != "" {
		filter = append(filter, bson.E{Key: "application", Value: page.Application})
	}
	if from := page.From; from != (fold.PartKey{}) {
		filter = append(filter, bson.E{Key: "$or", Value: bson.A{
			bson.D{{Key: "application", Value: bson.D{{Key: "$gt", Value: from.Application}}}},
			bson.D{{Key: "application", Value: from.Application}, {Key: "part", Value: bson.D{{Key: "$gte", Value: from.Part}}}},
		}})
	}
	return filter
}

// Departed implements query.Documents.
func (s *Store) Departed(ctx context.Context, key fold.PartKey, day string, each func(deploy.Departures) bool) error {
	filter := bson.D{
		{Key: "application", Value: key.Application}, {Key: "part", Value: key.Part}, {Key: "day", Value: bson.D{{Key: "$gte", Value: day}}},
	}
	cursor, err := s.collection(departures).Find(ctx, filter, options.Find().SetSort(bson.D{{Key: "day", Value: 1}, {Key: "number", Value: 1}}))
	if err != nil {
		return fmt.Errorf("search %s: %w", departures, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // what is not read is of no interest
	for cursor.Next(ctx) {
		var d departuresDoc
		if err := cursor.Decode(&d); err != nil {
			return fmt.Errorf("read from %s: %w", departures, err)
		}
		if !each(d.toDepartures()) {
			return nil
		}
	}
	return cursor.Err()
}

func placementsToDoc(all []deploy.Placement) []placementDoc {
	docs := make([]placementDoc, 0, len(all))
	for _, p := range all {
		docs = append(docs, placementDoc(p))
	}
	return docs
}

func toPlacement(docs []placementDoc) []deploy.Placement {
	var all []deploy.Placement
	for _, d := range docs {
		all = append(all, deploy.Placement(d))
	}
	return all
}

func (d placementsDoc) toPlacements() deploy.Placements {
	return deploy.Placements{
		Application: d.Application, Part: d.Part, Mark: deploy.Mark{Seq: uint64(d.Seq), Installation: d.Installation},
		Day: d.Day, Gone: d.Gone, All: toPlacement(d.All),
	}
}

func (d departuresDoc) toDepartures() deploy.Departures {
	return deploy.Departures{
		Application: d.Application, Part: d.Part, Day: d.Day, Number: d.Number, Mark: deploy.Mark{Seq: uint64(d.Seq), Installation: d.Installation},
		All: toPlacement(d.All),
	}
}
