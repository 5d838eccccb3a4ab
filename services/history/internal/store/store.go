// Package store keeps history's documents in MongoDB, or in what speaks its
// protocol: it implements fold.Store and query.Documents. Stored documents are
// types of their own (document.go); conversion to and from the domain happens
// here and nowhere else.
//
// Collections: deployments (one header each), targets (buckets, by the _id
// "<deployment>/<n>"), hosts (which hosts the targets of each bucket are, by the same
// _id; written once, when they are planned), outputs (where the output of each such bucket's targets
// stands, by the same _id), logs (its pages, by "<deployment>/<n>/<page>"),
// statistics ("<day>/<application>"), placements and departures (what runs and ran
// where, "<part>/<application>" and "<day>/<n>/<part>/<application>"), archived (what is
// noted of deployments whose documents went to the archive, by theirs), checkpoints (one
// document), setaside (messages that could not be folded, by sequence).
package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"github.com/slipway-deploy/slipway/services/history/internal/listing"
)

// The names of the collections.
const (
	deployments = "deployments"
	targets     = "targets"
	hosts       = "hosts"
	outputs     = "outputs"
	logs        = "logs"
	statistics  = "statistics"
	placements  = "placements"
	departures  = "departures"
	archived    = "archived"
	checkpoints = "checkpoints"
	setAside    = "setaside"
)

// Collections returns the names of all collections. Whoever embeds a store
// indexes them by _id.
func Collections() []string {
	return []string{deployments, targets, hosts, outputs, logs, statistics, placements, departures, archived, checkpoints, setAside}
}

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
	// there. Lists of deployments are answered from memory, where all that is
	// written is noted; other lists scan, so that indexes for them are not made.
	SingleWriter bool
	// Prefix is before the names of all collections, for documents that are made
	// beside the live ones.
	Prefix string
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
	prefix       string
	listing      *listing.Listing // nil: the store's indexes serve lists
}

func (s *Store) collection(name string) *mongo.Collection { return s.db.Collection(s.prefix + name) }

// clientOptions are those of a connection. What is folded into is what was written last, or it
// would look lost: of the URI's settings, those that could have it otherwise do not count.
func clientOptions(cfg Config) *options.ClientOptions {
	opts := options.Client().ApplyURI(cfg.URI).
		SetAppName("slipway-history").
		SetServerSelectionTimeout(selectTimeout).
		SetTimeout(operationTimeout).
		SetReadPreference(readpref.Primary())
	if !cfg.SingleWriter {
		opts.SetWriteConcern(writeconcern.Majority())
	}
	return opts
}

// Open returns the store. It waits for no server: the first operation does.
func Open(cfg Config) (*Store, error) {
	if err := CheckURI(cfg.URI); err != nil {
		return nil, err
	}
	client, err := mongo.Connect(clientOptions(cfg))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURI, err)
	}
	s := &Store{client: client, db: client.Database(cfg.Database), singleWriter: cfg.SingleWriter, prefix: cfg.Prefix}
	if cfg.SingleWriter {
		s.listing = listing.New(s)
	}
	return s, nil
}

// Close ends the connection.
func (s *Store) Close(ctx context.Context) error {
	if s.listing != nil {
		s.listing.Close()
	}
	return s.client.Disconnect(ctx)
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

// refusals are the codes of what a server says of a document that it will never
// take: too large, no valid BSON, or against a validation that somebody has set up.
var refusals = []int{10334, 17419, 17420, 22, 121}

// isRefusal says whether a write failed for what one of its documents is.
func isRefusal(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, driver.ErrDocumentTooLarge) {
		return true
	}
	var refused mongo.ServerError
	return errors.As(err, &refused) && slices.ContainsFunc(refusals, refused.HasErrorCode)
}
