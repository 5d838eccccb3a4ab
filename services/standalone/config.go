package standalone

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/executor"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/scheduler"
	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// database is the name of history's database in the embedded store.
const database = "slipway"

// Config is everything that can be set for standalone. A service's own settings are in its group, less those that follow
// from being in one process.
type Config struct {
	Data string     `conf:"data" help:"data directory, made if missing (default: $XDG_DATA_HOME/slipway, or ~/.local/share/slipway)"`
	NATS NATSConfig `conf:"nats"`

	Gateway   gateway.Config   `conf:"gateway" except:"nats,log,observe,seal_public_key,webhooks.private_key"`
	Scheduler scheduler.Config `conf:"scheduler" except:"nats,log,observe"`
	Executor  executor.Config  `conf:"executor" except:"nats,log,observe,seal,cache.dir"`
	History   history.Config   `conf:"history" except:"nats,log,observe,store"`

	Log     service.LogConfig `conf:"log"`
	Observe observe.Config    `conf:"observe"`
}

// NATSConfig is about the embedded broker.
type NATSConfig struct {
	Listen   string        `conf:"listen" help:"host:port for executors on other machines; empty: there are none"`
	User     string        `conf:"user" help:"NATS user; needed to listen beyond loopback"`
	Password config.Secret `conf:"password" help:"password of the NATS user"`
	// What it costs: each message waits for the disk, which took 1,000 a second instead of 15,000 where it was measured
	// (ext4 on a virtual disk). A host's part of a deployment is some ten messages.
	SyncAlways bool          `conf:"sync_always" default:"true" help:"have each message on disk before it counts as stored; if false, a power cut may lose the last two minutes, and much more is accepted at once"`
	Retention  time.Duration `conf:"retention" default:"720h" help:"how long events are kept"`
}

// Validate returns every mistake in the configuration.
func (c *Config) Validate() []error {
	dir, err := c.dataDir()
	if err == nil {
		_, err = store.New(c.storeConfig(dir, zerolog.Nop()))
	}
	if err != nil {
		return []error{config.Invalid("data", "%w", err)}
	}
	return nil
}

// Validate returns every mistake in the configuration.
func (c NATSConfig) Validate() []error {
	var errs []error
	if _, err := broker.New(c.brokerConfig(".", zerolog.Nop())); err != nil {
		errs = append(errs, err)
	}
	return append(errs, c.busConfig().Validate()...)
}

// dataDir is the data directory as an absolute path.
func (c *Config) dataDir() (string, error) {
	if c.Data != "" {
		return filepath.Abs(c.Data)
	}
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) { // others are to be ignored, says its specification
		return filepath.Join(base, "slipway"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errNoHome
	}
	return filepath.Join(home, ".local", "share", "slipway"), nil
}

// The parts' own configurations follow. dir is the data directory.

func (c NATSConfig) brokerConfig(dir string, log zerolog.Logger) broker.Config {
	return broker.Config{
		Dir: filepath.Join(dir, "nats"), Listen: c.Listen, User: c.User, Password: string(c.Password),
		SyncAlways: c.SyncAlways, Log: log,
	}
}

func (c *Config) storeConfig(dir string, log zerolog.Logger) store.Config {
	return store.Config{
		Dir: filepath.Join(dir, "store"), Database: database, Collections: history.Collections(), Log: log,
	}
}

// busConfig is how the services reach the broker. The address is for messages alone: they connect within the process.
func (c NATSConfig) busConfig() bus.Config {
	b := bus.Config{URL: "nats://standalone", Retention: c.Retention}
	config.Defaults(&b)
	return b
}

func (c *Config) historyConfig(storeURI string) history.Config {
	h := c.History
	h.NATS = c.NATS.busConfig()
	h.Store = embedded(storeURI)
	return h
}

// embedded is the store that history has to itself.
func embedded(uri string) history.StoreConfig {
	return history.StoreConfig{URI: config.Secret(uri), Database: database, SingleWriter: true}
}

func (c *Config) schedulerConfig() scheduler.Config {
	s := c.Scheduler
	s.NATS = c.NATS.busConfig()
	return s
}

func (c *Config) executorConfig(dir string, keys seal.Keys) executor.Config {
	e := c.Executor
	e.NATS = c.NATS.busConfig()
	e.Seal.PrivateKey = config.Secret(keys.Reveal())
	e.Cache.Dir = filepath.Join(dir, "cache")
	e.SSH.Agent = cmp.Or(e.SSH.Agent, os.Getenv("SSH_AUTH_SOCK"))
	return e
}

func (c *Config) gatewayConfig(keys keys) gateway.Config {
	g := c.Gateway
	g.NATS = c.NATS.busConfig()
	g.SealPublicKey = keys.credentials.Public().String()
	g.Webhooks.PrivateKey = config.Secret(keys.webhooks.Reveal())
	return g
}
