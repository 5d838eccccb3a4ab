// Package store keeps history's documents in MongoDB, or in what speaks its
// protocol: it implements fold.Store and query.Documents. Stored documents are
// types of their own (document.go); conversion to and from the domain happens
// here and nowhere else.
//
// Collections: deployments (one header each), targets (buckets, by the _id
// "<deployment>/<n>"), checkpoints (one document), setaside (messages that
// could not be folded, by sequence).
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// The names of the collections.
const (
	deployments = "deployments"
	targets     = "targets"
	checkpoints = "checkpoints"
	setAside    = "setaside"
)

// Collections returns the names of all collections. Whoever embeds a store
// indexes them by _id.
func Collections() []string { return []string{deployments, targets, checkpoints, setAside} }

const (
	// selectTimeout is how long an operation waits for a server that is away. The
	// caller repeats, so this is short.
	selectTimeout    = 2 * time.Second
	operationTimeout = 15 * time.Second
)

// Config says which store to use.
type Config struct {
	URI      string // mongodb:// or mongodb+srv://
	Database string
	// SingleWriter says that nobody else writes to the database, and that the
	// store is FerretDB over SQLite, the one that standalone embeds. There only a
	// filter of exactly {_id} is served by an index; the condition on the
	// sequence that was read would make every write scan its collection. So
	// writes go by _id alone there: with one writer, what was read is what is
	// there. Lists scan in any case, so that indexes for them are not made.
	SingleWriter bool
}

// CheckURI returns what is wrong with a URI, as far as that can be said without
// a network. It does not repeat a password.
func CheckURI(uri string) error {
	if strings.HasPrefix(uri, "mongodb+srv://") {
		return nil // to read it, one asks DNS
	}
	rest, ok := strings.CutPrefix(uri, "mongodb://")
	if !ok {
		return fmt.Errorf("%w: must begin with mongodb:// or mongodb+srv://", ErrURI)
	}
	if options.Client().ApplyURI(uri).Validate() == nil {
		return nil
	}
	// The driver's error may quote the password. What it says without one can be
	// shown.
	hosts, _, _ := strings.Cut(rest, "/")
	if err := options.Client().ApplyURI("mongodb://" + rest[strings.LastIndex(hosts, "@")+1:]).Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrURI, err)
	}
	return fmt.Errorf("%w: user and password must be percent-encoded, and fit the options", ErrURI)
}

// Store is a connection to the documents. It is safe for concurrent use.
type Store struct {
	client       *mongo.Client
	db           *mongo.Database
	singleWriter bool
}

// Open returns the store. It waits for no server: the first operation does.
func Open(cfg Config) (*Store, error) {
	if err := CheckURI(cfg.URI); err != nil {
		return nil, err
	}
	opts := options.Client().ApplyURI(cfg.URI).
		SetAppName("slipway-history").
		SetServerSelectionTimeout(selectTimeout).
		SetTimeout(operationTimeout)
	if !cfg.SingleWriter {
		opts.SetWriteConcern(writeconcern.Majority())
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURI, err)
	}
	return &Store{client: client, db: client.Database(cfg.Database), singleWriter: cfg.SingleWriter}, nil
}

// Close ends the connection.
func (s *Store) Close(ctx context.Context) error { return s.client.Disconnect(ctx) }

// Prepare implements fold.Store: it waits for a server and makes the indexes of
// the lists.
func (s *Store) Prepare(ctx context.Context) error {
	if s.singleWriter {
		return s.client.Ping(ctx, nil)
	}
	indexes := s.db.Collection(deployments).Indexes()
	there, err := indexes.ListSpecifications(ctx)
	if err != nil {
		return err
	}
	var missing []mongo.IndexModel
	for _, field := range []string{"application", "state"} {
		name := field + "_newest"
		// MongoDB would see for itself what is there. FerretDB 1.24 breaks off the
		// connection when nothing is left to make.
		if slices.ContainsFunc(there, func(have mongo.IndexSpecification) bool { return have.Name == name }) {
			continue
		}
		missing = append(missing, mongo.IndexModel{
			Keys:    bson.D{{Key: field, Value: 1}, {Key: "_id", Value: -1}},
			Options: options.Index().SetName(name),
		})
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = indexes.CreateMany(ctx, missing)
	return err
}

// isDuplicate says whether every failure of a write is that an _id is taken.
func isDuplicate(err error) bool {
	var bulk mongo.BulkWriteException
	if errors.As(err, &bulk) {
		for _, e := range bulk.WriteErrors {
			if !e.HasErrorCode(duplicateKey) {
				return false
			}
		}
		return bulk.WriteConcernError == nil && len(bulk.WriteErrors) > 0
	}
	return mongo.IsDuplicateKeyError(err)
}

const duplicateKey = 11000
