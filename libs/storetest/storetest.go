package storetest

import (
	"context"
	"crypto/rand"
	"os"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// URIVariable names the server that Start uses instead of the embedded store.
const URIVariable = "SLIPWAY_TEST_MONGODB_URI"

// patience bounds what is certain to come, on a busy machine too: the start of
// the store, the dropping of a database.
const patience = time.Minute

// Store is a MongoDB for one test, which ends with it.
type Store struct {
	// URI is what the MongoDB driver connects with. Restart does not change it.
	URI string

	// Database is the test's own.
	Database string

	t        testing.TB
	embedded *process // nil on a server of your own
}

// Start gives a store that is ready: an embedded one, or the server that
// SLIPWAY_TEST_MONGODB_URI names.
func Start(t testing.TB) *Store {
	t.Helper()
	uri := os.Getenv(URIVariable)
	if uri == "" {
		return StartEmbedded(t)
	}
	s := &Store{URI: uri, Database: "slipway_test_" + rand.Text(), t: t}
	t.Cleanup(s.dropDatabase)
	return s
}

// StartEmbedded gives an embedded store that is ready, whatever the environment
// says. It is for tests that kill it.
func StartEmbedded(t testing.TB) *Store {
	t.Helper()
	s := &Store{Database: "slipway", t: t, embedded: newProcess(t)}
	t.Cleanup(s.embedded.kill)
	s.URI = s.embedded.start(t)
	return s
}

// Kill ends the store with SIGKILL and returns when it is gone. What it had
// acknowledged is still there after Restart.
func (s *Store) Kill() {
	s.t.Helper()
	s.mustBeEmbedded()
	s.embedded.kill()
}

// Restart starts the store again on the same directory and address, killing it
// first if it runs, and returns when it is ready.
func (s *Store) Restart() {
	s.t.Helper()
	s.mustBeEmbedded()
	s.embedded.kill()
	if uri := s.embedded.start(s.t); uri != s.URI {
		s.t.Fatalf("the store was at %s and is at %s after its restart", s.URI, uri)
	}
}

// CPU is the time that the store has had on any core, for benchmarks.
func (s *Store) CPU() time.Duration {
	s.t.Helper()
	s.mustBeEmbedded()
	used, err := s.embedded.child.CPU()
	if err != nil {
		s.t.Fatalf("time of the embedded store: %v", err)
	}
	return used
}

func (s *Store) mustBeEmbedded() {
	s.t.Helper()
	if s.embedded == nil {
		s.t.Fatalf("the store is not ours to kill: use StartEmbedded, or unset %s", URIVariable)
	}
}

func (s *Store) dropDatabase() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(s.URI))
	if err != nil {
		s.t.Errorf("drop the test's database %s: %v", s.Database, err)
		return
	}
	defer client.Disconnect(ctx) //nolint:errcheck // nothing is in flight
	if err := client.Database(s.Database).Drop(ctx); err != nil {
		s.t.Errorf("drop the test's database %s: %v", s.Database, err)
	}
}
