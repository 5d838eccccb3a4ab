// Package store is the embedded MongoDB-compatible store: FerretDB over SQLite files in one directory. The services
// drive it with the MongoDB driver, by URI, as they drive a real MongoDB.
//
// What it holds is a read model. It can be thrown away and is rebuilt from the event stream, as far back as that is
// kept; that is why a commit is not forced to the disk (a killed process loses nothing, a power cut may lose the last
// moments, neither damages the files) and why the advice for a damaged file is to move it away.
//
// Limits of FerretDB that its users must know:
//
//   - Only a filter of exactly {_id: <string or ObjectID>} uses an index. All else scans the collection.
//   - UpdateOne and ReplaceOne hold a SQLite connection of 100 until their command ends, in a bulk write each of its
//     updates does, and then they need one more to write. So 100 of them at the same time, from whatever clients, block
//     each other for ever, and the store with them. URI keeps a client's single updates below that; bulk writes are
//     safe with 50 updates and one at a time. UpdateMany has no such limit: it reads its one document to the end.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"unicode"

	"github.com/FerretDB/FerretDB/ferretdb"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

// Config says where the store keeps its files and where it listens.
type Config struct {
	// Dir is the data directory, made when missing. One process at a time can use it.
	Dir string

	// Listen is where clients connect: empty for a Unix socket of the store's choice (in Dir, or in a private directory
	// under os.TempDir when the path of Dir is too long for a socket), "unix:/path.sock" for a socket of yours, or
	// "host:port" on loopback (port 0 takes a free one). The store knows no passwords: whoever can connect can do all,
	// and on a TCP port that is every user of this machine.
	Listen string

	// Database and Collections are made, and indexed by _id, before the store is ready. Collections that exist when the
	// store starts are indexed whether they are named or not.
	Database    string
	Collections []string

	// Log receives errors of FerretDB. The zero value is silent.
	Log zerolog.Logger
}

// Store is one embedded store. It runs once.
type Store struct {
	cfg Config

	mu       sync.Mutex
	endpoint endpoint
}

// New checks cfg. It touches neither disk nor network.
func New(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, fmt.Errorf("%w: no data directory given", ErrConfig)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w: data directory %q: %w", ErrConfig, cfg.Dir, err)
	}
	// FerretDB puts the path into a URI and into a glob pattern, and escapes it for neither.
	if strings.ContainsAny(dir, `%?#*[]\`) || strings.ContainsFunc(dir, unicode.IsControl) {
		return nil, fmt.Errorf(`%w: data directory %q: the path must not contain %%, ?, #, *, [, ], \ or control characters: choose another directory`,
			ErrConfig, dir)
	}
	if len(cfg.Collections) > 0 && cfg.Database == "" {
		return nil, fmt.Errorf("%w: collections %q without a database", ErrConfig, cfg.Collections)
	}
	cfg.Dir = dir
	ep, err := parseListen(cfg.Listen, dir)
	if err != nil {
		return nil, err
	}
	return &Store{cfg: cfg, endpoint: ep}, nil
}

// URI is the MongoDB connection string of the store. It is known after New, except with TCP port 0, where it is known
// once the store is ready and empty before.
func (s *Store) URI() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint.uri()
}

// Run serves until ctx is done and then returns nil. It calls ready once, when clients can connect and the configured
// collections are there and indexed.
//
// On ctx's end open connections have three seconds to leave; disconnect clients first and it returns at once. Errors
// say what to do about them; errors.Is finds ErrDamaged, ErrAddressInUse, datadir.ErrInUse and datadir.ErrNotWritable.
func (s *Store) Run(ctx context.Context, ready func()) error {
	claim, err := datadir.Take(s.cfg.Dir)
	if err != nil {
		return err
	}
	defer claim.Release() //nolint:errcheck // the claim ends with the process at the latest

	if err := checkFiles(ctx, s.cfg.Dir); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.endpoint.prepare(ctx); err != nil {
		return err
	}
	defer s.endpoint.remove()

	log := newLogHandler(s.cfg.Log)
	db, err := s.open(slog.New(log))
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = db.Run(ctx) // always nil
	}()
	defer func() { stop(); <-stopped }()

	if err := s.EnsureIDIndex(ctx, s.cfg.Database, s.cfg.Collections...); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return err
	}
	ready()

	select {
	case <-ctx.Done():
		return nil
	case <-log.damage:
		return fmt.Errorf("a database in %q: %w while in use: stop, check the disk, %s", s.cfg.Dir, ErrDamaged, moveAway)
	}
}

// openMu serves ferretdb.New, which writes to a global of its own.
var openMu sync.Mutex

// open opens the databases and listens. Telemetry needs no switch here: the embeddable package has no reporter, turns
// the setting off on its own, and keeps its state in memory.
func (s *Store) open(log *slog.Logger) (*ferretdb.FerretDB, error) {
	openMu.Lock()
	defer openMu.Unlock()
	cfg := &ferretdb.Config{
		Handler:   "sqlite",
		SQLiteURL: ferretURL(s.cfg.Dir),
		Logger:    log,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.endpoint.network == "unix" {
		cfg.Listener.Unix = s.endpoint.addr
	} else {
		cfg.Listener.TCP = s.endpoint.addr
	}
	db, err := ferretdb.New(cfg)
	if err != nil {
		return nil, err
	}
	if _, port, err := net.SplitHostPort(s.endpoint.addr); err == nil && port == "0" {
		s.endpoint.addr = strings.TrimSuffix(strings.TrimPrefix(db.MongoDBURI(), "mongodb://"), "/")
	}
	return db, nil
}

// ferretURL carries the SQLite settings of each of FerretDB's connections.
func ferretURL(dir string) string {
	return "file:" + dir + "/" +
		"?_pragma=busy_timeout(10000)" + // first: the switch to WAL may have to wait, too
		"&_pragma=journal_mode(wal)" +
		"&_pragma=synchronous(normal)" + // no fsync per commit; see the package comment
		"&_pragma=cache_size(-256)" // KiB; the 100 connections of the pool stay open, and 2 MiB each, the default, can be 200 MB
}
