package fold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	// checkEvery is how often the checkpoint is written, or looked at when there
	// is nothing to write. What a crash makes it fold again changes nothing.
	checkEvery = time.Second
	// leaveTimeout bounds the last checkpoint, when the follower ends.
	leaveTimeout = 2 * time.Second
	queued       = 2000 // entries between reading and folding
)

// Follower keeps the documents of a store up to date with EV.
type Follower struct {
	open     func(context.Context) (*bus.Bus, error)
	store    Store
	folder   *Folder
	position *Position
	log      zerolog.Logger

	installation string     // in whose sequences the position counts; empty: it counts for nothing
	stored       Checkpoint // as the store last confirmed it
}

// NewFollower returns a follower that moves position on. open waits until the
// streams are there, and makes those that are not. It is called once, and again
// only where EV is gone: each call leaves a handler on the connection.
func NewFollower(open func(context.Context) (*bus.Bus, error), store Store, position *Position, log zerolog.Logger) *Follower {
	return &Follower{open: open, store: store, folder: NewFolder(store, log), position: position, log: log}
}

// Run folds events until ctx ends, and calls ready whenever it begins to. It
// fails only where NATS refuses what it asks for, or the connection is closed.
func (f *Follower) Run(ctx context.Context, ready func()) error {
	defer f.leave(ctx)
	var pauses backoff
	var b *bus.Bus
	for pauses.wait(ctx) {
		if b == nil {
			var err error
			if b, err = f.open(ctx); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return fmt.Errorf("open the event stream: %w", err)
			}
		}
		from := f.position.Seq()
		err := f.resume(ctx, b)
		if err == nil {
			ready()
			err = f.follow(ctx, b)
		}
		if ctx.Err() != nil {
			return nil
		}
		if f.position.Seq() > from {
			pauses = backoff{}
		}
		switch {
		case errors.Is(err, nats.ErrConnectionClosed): // it does not come back
			return err
		case errors.Is(err, jetstream.ErrStreamNotFound):
			b = nil
		}
		f.react(ctx, err)
	}
	return nil
}

// react prepares to resume after err.
func (f *Follower) react(ctx context.Context, err error) {
	log := f.log.With().Err(err).Uint64("seq", f.position.Seq()).Logger()
	switch {
	case errors.Is(err, ErrLost), errors.Is(err, errCutShort):
		log.Error().Msg("folding all events that are kept again")
		f.startOver(ctx)
	case errors.Is(err, errWentBack):
		log.Error().Msg("folding again from the checkpoint")
		f.installation = ""
	default:
		log.Warn().Msg("reading of events was cut off, resuming")
	}
}

// resume decides after which event to go on, and moves the position there.
func (f *Follower) resume(ctx context.Context, b *bus.Bus) error {
	if err := awaitConnection(ctx, b.Conn()); err != nil {
		return err
	}
	// What was known of the stream is of the connection before.
	stream, err := b.JetStream().Stream(ctx, contract.StreamEvents)
	if err != nil {
		return fmt.Errorf("look at the event stream: %w", err)
	}
	info := stream.CachedInfo()
	if installation := info.Config.Metadata[contract.MetadataInstallation]; f.installation != installation {
		if err := f.begin(ctx, installation); err != nil {
			return err
		}
	}
	if at, last := f.position.Seq(), info.State.LastSeq; at > last {
		return fmt.Errorf("%w: event %d was folded and EV ends at %d", errCutShort, at, last)
	}
	if first := info.State.FirstSeq; first > 0 && f.position.Seq() < first-1 {
		f.position.set(first - 1) // what is not kept any more will not come
	}
	return nil
}

// begin takes up the work where the store says that it stands.
func (f *Follower) begin(ctx context.Context, installation string) error {
	f.folder.forget()
	err := f.folder.outage.insist(ctx, func() error {
		if err := f.store.Prepare(ctx); err != nil {
			return fmt.Errorf("prepare the store: %w", err)
		}
		var err error
		f.stored, err = f.store.Checkpoint(ctx)
		return err
	})
	if err != nil {
		return err
	}
	f.installation = installation
	f.position.set(0)
	if f.stored.Installation == installation {
		f.position.set(f.stored.Seq)
	}
	f.log.Info().Uint64("seq", f.position.Seq()).Str("installation", installation).Msg("folding events after this one")
	return nil
}

// follow folds what tail reads until that ends or documents were lost.
func (f *Follower) follow(ctx context.Context, b *bus.Bus) error {
	ctx, cancel := context.WithCancel(ctx)
	entries := make(chan Entry, queued)
	ended := make(chan error, 1)
	go func() {
		defer close(entries)
		ended <- tail(ctx, b, f.position.Seq(), entries)
	}()
	defer func() {
		cancel()
		for range entries { // until tail has ended
		}
	}()
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		batch, open := nextBatch(entries, tick.C)
		if len(batch) > 0 {
			if err := f.folder.Fold(ctx, batch); err != nil {
				return err
			}
			f.folded(batch)
		}
		if !open {
			return <-ended
		}
		if len(batch) == 0 {
			if err := f.check(ctx); err != nil {
				return err
			}
		}
	}
}

func (f *Follower) folded(batch []Entry) {
	for _, e := range batch {
		if r := e.Rejected; r != nil {
			f.log.Warn().Uint64("seq", r.Seq).Str("subject", r.Subject).Str("reason", r.Reason).
				Msg("an event that cannot be folded was set aside")
		}
	}
	last := batch[len(batch)-1]
	f.position.set(last.Seq)
	f.log.Debug().Uint64("seq", last.Seq).Uint64("behind", last.Behind).Int("events", len(batch)).Msg("folded")
}
