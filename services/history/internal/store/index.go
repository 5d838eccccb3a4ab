package store

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// index serves what is asked of a collection by more than ids.
type index struct {
	collection, name string
	keys             bson.D
}

// indexes are all there are. Lists of deployments are ordered by when they were
// accepted, in every one of them alike: either way round, an index gives the order,
// too.
func indexes() []index {
	newest := func(fields ...string) bson.D {
		var keys bson.D
		for _, f := range fields {
			keys = append(keys, bson.E{Key: f, Value: 1})
		}
		return append(keys, bson.E{Key: "accepted_at", Value: -1}, bson.E{Key: "_id", Value: -1})
	}
	return []index{
		{deployments, "accepted", newest()},
		{deployments, "application_accepted", newest("application")},
		{deployments, "application_state_accepted", newest("application", "state")},
		{deployments, "project_accepted", newest("project")},
		{deployments, "state_accepted", newest("state")},
		{deployments, "actor_accepted", newest("actor")},
		{deployments, "batch_accepted", newest("batch")},
		{deployments, "stage_accepted", newest("project", "stage")},
		{deployments, "template_accepted", newest("project", "template")},
		{deployments, "metadata_accepted", newest("metadata")},
		{deployments, "words_accepted", newest("words")},
		{hosts, "host_accepted", bson.D{{Key: "hosts", Value: 1}, {Key: "accepted_at", Value: -1}, {Key: "deployment", Value: -1}}},
		{statistics, "application_day", bson.D{{Key: "application", Value: 1}, {Key: "day", Value: 1}}},
		{placements, "application_part", bson.D{{Key: "application", Value: 1}, {Key: "part", Value: 1}}},
		{placements, "host", bson.D{{Key: "all.host", Value: 1}}},
		{departures, "application_part_day_number", bson.D{
			{Key: "application", Value: 1}, {Key: "part", Value: 1}, {Key: "day", Value: 1}, {Key: "number", Value: 1},
		}},
		{archived, "unsettled", bson.D{{Key: "unsettled", Value: 1}}},
		{setAside, "newest", bson.D{{Key: "seq", Value: -1}}},
	}
}

// Prepare implements fold.Store: it waits for a server and makes the indexes, and what an
// earlier version did not note for one of them. Those
// of FerretDB serve nothing: its one writer makes none, and begins to read what it
// lists from memory.
func (s *Store) Prepare(ctx context.Context) error {
	if s.singleWriter {
		if err := s.client.Ping(ctx, nil); err != nil {
			return err
		}
		s.listing.Reload() //nolint:contextcheck // it goes on when ctx ends
		return nil
	}
	missing := map[string][]mongo.IndexModel{}
	there := map[string][]mongo.IndexSpecification{}
	for _, i := range indexes() {
		have, known := there[i.collection]
		if !known {
			var err error
			if have, err = s.collection(i.collection).Indexes().ListSpecifications(ctx); err != nil {
				return err
			}
			there[i.collection] = have
		}
		// MongoDB would see for itself what is there. FerretDB 1.24 breaks off the
		// connection when nothing is left to make.
		if !slices.ContainsFunc(have, func(have mongo.IndexSpecification) bool { return have.Name == i.name }) {
			missing[i.collection] = append(missing[i.collection], mongo.IndexModel{Keys: i.keys, Options: options.Index().SetName(i.name)})
		}
	}
	if len(missing[hosts]) > 0 { // before its index, which says that it is done
		if err := s.fillAllHosts(ctx); err != nil {
			return fmt.Errorf("note the hosts of deployments: %w", err)
		}
	}
	for collection, models := range missing {
		if _, err := s.collection(collection).Indexes().CreateMany(ctx, models); err != nil {
			return err
		}
	}
	return nil
}
