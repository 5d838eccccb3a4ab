package history

import (
	"strings"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// Config is everything that can be set for history.
type Config struct {
	NATS      bus.Config        `conf:"nats"`
	Store     StoreConfig       `conf:"store"`
	Retention RetentionConfig   `conf:"retention"`
	Archive   ArchiveConfig     `conf:"archive"`
	Log       service.LogConfig `conf:"log"`
	Observe   observe.Config    `conf:"observe"`
}

// Validate returns the mistakes that several groups make together.
func (c Config) Validate() []error { return c.Retention.needs(c.Archive) }

// StoreConfig says where the documents are.
type StoreConfig struct {
	URI      config.Secret `conf:"uri" default:"mongodb://127.0.0.1:27017" help:"URI of MongoDB, with user and password where needed"`
	Database string        `conf:"database" default:"slipway" help:"name of the database"`
	// SingleWriter is for standalone: see Config in internal/store for why.
	SingleWriter bool `conf:"single_writer" help:"the store is an embedded FerretDB, and this is its one writer"`
}

// Validate returns every mistake in the configuration.
func (c StoreConfig) Validate() []error {
	var errs []error
	if err := store.CheckURI(string(c.URI)); err != nil {
		errs = append(errs, config.Invalid("uri", "%w", err))
	}
	if c.Database == "" || len(c.Database) > 63 || strings.ContainsAny(c.Database, "/\\. \"$*<>:|?\x00") {
		errs = append(errs, config.Invalid("database", `a name has 1 to 63 bytes and none of / \ . " $ * < > : | ? and space, not %q`, c.Database))
	}
	return errs
}

// Collections returns the names of the collections in the database. Who embeds
// a store indexes them by _id.
func Collections() []string { return store.Collections() }
