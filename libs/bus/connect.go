package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Bus is a connection to NATS on which every stream of Slipway exists.
type Bus struct {
	nc           *nats.Conn
	js           jetstream.JetStream
	log          zerolog.Logger
	streams      map[string]jetstream.Stream
	installation string
	connection   era
	lasts        looks[Stored]
}

// onceEach calls fn for an error only if it says something new since the last
// one, or since the last time that there was none.
func onceEach(fn func(error)) nats.ConnErrHandler {
	var (
		mu   sync.Mutex
		last string
	)
	return func(_ *nats.Conn, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			last = ""
		case err.Error() != last:
			last = err.Error()
			fn(err)
		}
	}
}

// Connect connects to NATS and keeps doing so for ever: a broker that is not
// there yet, or goes away, is waited for. Further options win over those from
// the configuration; standalone uses that to connect within its process.
func Connect(cfg Config, name string, log zerolog.Logger, extra ...nats.Option) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1), // a publish without a connection fails at once; the repeat is ours
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it
				log.Warn().Err(err).Msg("disconnected from NATS")
			}
		}),
		// A broker that refuses us may be one whose configuration is being changed.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectErrHandler(onceEach(func(err error) { log.Warn().Err(err).Msg("cannot connect to NATS") })),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info().Str("server", nc.ConnectedUrlRedacted()).Msg("connected to NATS again")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			log.Warn().Err(err).Msg("NATS reports an error")
		}),
	}
	if cfg.Credentials != "" {
		opts = append(opts, nats.UserCredentials(cfg.Credentials))
	}
	if cfg.User != "" {
		opts = append(opts, nats.UserInfo(cfg.User, string(cfg.Password)))
	}
	if cfg.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.CA))
	}
	nc, err := nats.Connect(cfg.URL, append(opts, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// Open makes sure that every stream and bucket exists as configured, waiting for
// the broker until ctx ends. What it changes of those that exist, it logs.
func Open(ctx context.Context, nc *nats.Conn, cfg Config, log zerolog.Logger) (*Bus, error) {
	return open(ctx, nc, cfg, log, (*Bus).adapt)
}

// OpenAsIs is Open for a command that is run once, with settings that need not be
// the installation's: it makes what is missing and changes nothing that exists.
// To shorten the age of a stream deletes from it.
func OpenAsIs(ctx context.Context, nc *nats.Conn, cfg Config, log zerolog.Logger) (*Bus, error) {
	return open(ctx, nc, cfg, log, (*Bus).keep)
}

// Visit connects, opens the bus as it is, calls fn and closes the connection: for a
// command that is run once. name is that of the client.
func Visit(ctx context.Context, cfg Config, name string, log zerolog.Logger, extra []nats.Option, fn func(*Bus) error) error {
	nc, err := Connect(cfg, name, log, extra...)
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := OpenAsIs(ctx, nc, cfg, log)
	if err != nil {
		return err
	}
	return fn(b)
}

func open(ctx context.Context, nc *nats.Conn, cfg Config, log zerolog.Logger, existing treatment) (*Bus, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	b := &Bus{nc: nc, js: js, log: log, streams: map[string]jetstream.Stream{}}
	b.watchConnection()
	waiting := false
	err = repeat(ctx, func(ctx context.Context) error {
		err := b.ensure(ctx, cfg, existing)
		if err != nil && retryable(err) && !waiting {
			waiting = true
			log.Warn().Err(err).Msg("waiting for NATS")
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prepare streams: %w", err)
	}
	b.installation = b.Events().CachedInfo().Config.Metadata[contract.MetadataInstallation]
	return b, nil
}

// Conn is the connection, for request and reply.
func (b *Bus) Conn() *nats.Conn { return b.nc }

// JetStream is the context for what this package has no words for.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }

// Events is the stream EV.
func (b *Bus) Events() jetstream.Stream { return b.streams[contract.StreamEvents] }

// Installation is the random id that was given to this installation when its
// event stream was made.
func (b *Bus) Installation() string { return b.installation }

// Connected says whether there is a connection now.
func (b *Bus) Connected() bool { return b.nc.IsConnected() }
