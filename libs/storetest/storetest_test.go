package storetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/storetest"
)

const patience = time.Minute

func collection(t *testing.T, s *storetest.Store) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(s.URI))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(s.Database).Collection("things")
}

func TestStoresOfTwoTestsAreApart(t *testing.T) {
	first, second := collection(t, storetest.Start(t)), collection(t, storetest.Start(t))
	_, err := first.InsertOne(t.Context(), bson.M{"_id": "x"})
	require.NoError(t, err)
	require.NoError(t, first.FindOne(t.Context(), bson.M{"_id": "x"}).Err())
	require.ErrorIs(t, second.FindOne(t.Context(), bson.M{"_id": "x"}).Err(), mongo.ErrNoDocuments)
}

func TestKilledStoreComesBackAtItsAddressWithItsDocuments(t *testing.T) {
	s := storetest.StartEmbedded(t)
	c := collection(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := c.InsertOne(ctx, bson.M{"_id": "x"})
	require.NoError(t, err)

	s.Kill()
	_, err = c.InsertOne(ctx, bson.M{"_id": "y"})
	require.Error(t, err)
	s.Restart()
	require.NoError(t, c.FindOne(ctx, bson.M{"_id": "x"}).Err(), "the same client goes on")

	s.Restart()
	require.NoError(t, c.FindOne(ctx, bson.M{"_id": "x"}).Err(), "a store that runs can be restarted too")
}

// The server is an embedded store here, which Start cannot tell.
func TestServerOfYourOwnIsUsedAndLeftAsItWas(t *testing.T) {
	server := storetest.StartEmbedded(t)
	t.Setenv(storetest.URIVariable, server.URI)
	var database string
	t.Run("a test", func(t *testing.T) {
		s := storetest.Start(t)
		require.Equal(t, server.URI, s.URI)
		database = s.Database
		_, err := collection(t, s).InsertOne(t.Context(), bson.M{"_id": "x"})
		require.NoError(t, err)
	})
	require.NotEmpty(t, database)
	client, err := mongo.Connect(options.Client().ApplyURI(server.URI))
	require.NoError(t, err)
	defer client.Disconnect(context.Background()) //nolint:errcheck // nothing is in flight
	names, err := client.ListDatabaseNames(t.Context(), bson.D{})
	require.NoError(t, err)
	require.NotContains(t, names, database)
}
