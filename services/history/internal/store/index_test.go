package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// filtersOfLists are all ways to restrict a list of deployments, each alone, with the
// index that is to serve it.
func filtersOfLists() map[string]query.Page {
	at := time.Now()
	return map[string]query.Page{
		"accepted":                   {},
		"application_accepted":       {Application: "a"},
		"application_state_accepted": {Application: "a", State: deploy.Failed},
		"project_accepted":           {Project: "p"},
		"state_accepted":             {State: deploy.Failed},
		"actor_accepted":             {Actor: "a"},
		"batch_accepted":             {Batch: "b"},
		"stage_accepted":             {Project: "p", Stage: "s"},
		"template_accepted":          {Project: "p", Template: "t"},
		"metadata_accepted":          {Metadata: []deploy.Note{{Name: "n", Value: "v"}}},
		"metadata_accepted, of two":  {Metadata: []deploy.Note{{Name: "n", Value: "v"}, {Name: "m"}}},
		"host_accepted":              {Server: "h"},
		"host_accepted, from a time": {Server: "h", From: at},
		"host_accepted, next page":   {Server: "h", After: query.Place{AcceptedAt: at, ID: "d"}},
		"words_accepted":             {Words: []string{"w"}},
		"accepted, from a time":      {From: at},
		"accepted, until a time":     {To: at},
		"accepted, the next page":    {After: query.Place{AcceptedAt: at, ID: "d"}},
	}
}

// TestEveryFilterOfAListIsServedByAnIndex asks MongoDB how it would answer. FerretDB
// over SQLite has no such plans: there, it is seen alone that each filter has its index,
// and that the index gives the order.
func TestEveryFilterOfAListIsServedByAnIndex(t *testing.T) {
	server := storetest.Start(t)
	s, err := Open(Config{URI: server.URI, Database: server.Database})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	require.NoError(t, s.Prepare(t.Context()))
	plans := hasPlans(t, s)
	for name, page := range filtersOfLists() {
		t.Run(name, func(t *testing.T) {
			collection, id, filter := deployments, "_id", matching(page)
			if page.Server != "" {
				collection, id, filter = hosts, "deployment", onServer(page)
			}
			equal := map[string]bool{}
			for _, e := range filter {
				if _, exact := e.Value.(string); exact {
					equal[e.Key] = true
				}
			}
			if len(page.Words) > 0 {
				equal["words"] = true
			}
			if len(page.Metadata) > 0 {
				equal["metadata"] = true
			}
			require.True(t, served(collection, id, equal), "no index begins with %v and goes on with the order", equal)
			if plans {
				requireIndexed(t, s, collection, bson.D{
					{Key: "find", Value: collection}, {Key: "filter", Value: filter}, {Key: "limit", Value: 10},
					{Key: "sort", Value: bson.D{{Key: "accepted_at", Value: -1}, {Key: id, Value: -1}}},
				})
			}
		})
	}
}

// hasPlans says whether the server is anything but FerretDB 1, the only one that names
// itself so.
func hasPlans(t *testing.T, s *Store) bool {
	t.Helper()
	var server struct {
		FerretDB string `bson:"ferretdbVersion"`
	}
	require.NoError(t, s.db.RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&server))
	return server.FerretDB == ""
}

// served says whether an index of a collection begins with these fields, in whatever
// order, and goes on with the order of lists.
func served(collection, id string, equal map[string]bool) bool {
	for _, i := range indexes() {
		n := len(equal)
		if i.collection != collection || len(i.keys) != n+2 || i.keys[n].Key != "accepted_at" || i.keys[n+1].Key != id {
			continue
		}
		all := true
		for _, key := range i.keys[:n] {
			all = all && equal[key.Key]
		}
		if all {
			return true
		}
	}
	return false
}

// requireIndexed says that MongoDB finds what a command asks for by an index.
func requireIndexed(t *testing.T, s *Store, collection string, command bson.D) {
	t.Helper()
	var plan bson.Raw
	err := s.db.RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Decode(&plan)
	require.NoError(t, err)
	text := plan.Lookup("queryPlanner", "winningPlan").String()
	require.Contains(t, text, "IXSCAN", "%s: %v", collection, command)
	require.NotContains(t, text, "COLLSCAN", "%s: %v", collection, command)
}
