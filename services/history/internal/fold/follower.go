package fold

import (
	"context"
	"crypto/rand"
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
	lag      lag
	tell     func(Batch)

	gate *gate

	id    string // of this replica
	alone bool   // nobody else folds into the store

	installation string     // in whose sequences the position counts; empty: it counts for nothing
	stored       Checkpoint // as the store last confirmed it
	holding      bool       // this replica is the one that folds
	reached      uint64     // last event that was gathered: the position waits until all is placed
}

// NewFollower returns a follower that moves position on. open waits until the
// streams are there, and makes those that are not. It is called once, and again
// only where EV is gone: each call leaves a handler on the connection. One that is
// alone does not wait for a replica that folded before it to give up.
func NewFollower(open func(context.Context) (*bus.Bus, error), store Store, position *Position, alone bool, log zerolog.Logger) *Follower {
	return &Follower{
		open: open, store: store, folder: NewFolder(store, "", log), position: position, log: log,
		lag: lag{log: log}, gate: newGate(), tell: func(Batch) {}, id: rand.Text(), alone: alone,
	}
}

// Batch is what was folded at once, and stored.
type Batch struct {
	Events   int // all, those among them that were set aside too
	SetAside int
	Took     time.Duration
}

// Tell has fn told of each batch. It is called before Run.
func (f *Follower) Tell(fn func(Batch)) { f.tell = fn }

// TellOfStore has fn told when the store goes away, and when it is back. It is called
// before Run, in whose goroutine fn is called.
func (f *Follower) TellOfStore(fn func(away bool)) { f.folder.outage.tell = fn }

// Run folds events, or stands by while another replica does, until ctx ends. It
// calls ready whenever it begins with either. It fails only where NATS refuses what
// it asks for, or the connection is closed.
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
		err := f.resume(ctx, b, ready)
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
	case errors.Is(err, errSuperseded):
		log.Warn().Msg("standing by")
		f.installation = ""
	default:
		log.Warn().Msg("reading of events was cut off, resuming")
	}
}

// resume decides after which event to go on, and moves the position there. It calls
// standingBy where another replica folds, and returns once this one does.
func (f *Follower) resume(ctx context.Context, b *bus.Bus, standingBy func()) error {
	if err := awaitConnection(ctx, b.Conn()); err != nil {
		return err
	}
	info, err := events(ctx, b)
	if err != nil {
		return err
	}
	if installation := installationOf(info); f.installation != installation {
		if err := f.begin(ctx, installation, standingBy); err != nil {
			return err
		}
		// It may have waited long, and what it waited over may be another stream.
		if info, err = events(ctx, b); err != nil {
			return err
		}
		if installationOf(info) != installation {
			f.installation = ""
			return errReplaced
		}
	}
	if last := info.State.LastSeq; f.reached > last {
		return fmt.Errorf("%w: event %d was folded and EV ends at %d", errCutShort, f.reached, last)
	}
	if first := info.State.FirstSeq; first > 0 && f.reached < first-1 {
		f.reached = first - 1 // what is not kept any more will not come
	}
	if !f.folder.Arriving() {
		f.position.set(f.reached)
	}
	return nil
}

// events looks at the stream as it is now: what was known of it is of the
// connection before.
func events(ctx context.Context, b *bus.Bus) (*jetstream.StreamInfo, error) {
	stream, err := b.JetStream().Stream(ctx, contract.StreamEvents)
	if err != nil {
		return nil, fmt.Errorf("look at the event stream: %w", err)
	}
	return stream.CachedInfo(), nil
}

func installationOf(info *jetstream.StreamInfo) string {
	return info.Config.Metadata[contract.MetadataInstallation]
}

// begin takes up the work where the store says that it stands.
func (f *Follower) begin(ctx context.Context, installation string, standingBy func()) error {
	f.folder.forget(installation)
	f.holding = false
	err := f.folder.outage.insist(ctx, func() error {
		if err := f.store.Prepare(ctx); err != nil {
			return fmt.Errorf("prepare the store: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := f.take(ctx, installation, standingBy); err != nil {
		return err
	}
	f.installation = installation
	f.position.set(f.stored.Seq)
	f.reached = f.stored.Seq
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
		ended <- tail(ctx, b, f.reached, entries)
	}()
	defer func() {
		cancel()
		for range entries { // until tail has ended
		}
	}()
	f.gate.set(true, f.folder.Arriving())
	defer f.gate.set(false, false)
	pace := &pace{position: f.position}
	check := time.Now().Add(checkEvery)
	for {
		wake := time.Until(check)
		if f.folder.Arriving() {
			wake = batchWait // somebody may begin to wait for it
		}
		batch, open := nextBatch(entries, time.After(wake), pace)
		if len(batch) > 0 {
			began := time.Now()
			if err := f.fold(func() error { return f.folder.Gather(ctx, batch) }); err != nil {
				return err
			}
			f.gathered(batch, time.Since(began))
			pace.took(time.Since(began))
		}
		if err := f.place(ctx, pace); err != nil {
			return err
		}
		if !open {
			return <-ended
		}
		// Replicas that stand by answer questions about what the checkpoint holds.
		if !time.Now().Before(check) || len(batch) > 0 && !f.alone {
			if err := f.check(ctx); err != nil {
				return err
			}
			check = time.Now().Add(checkEvery)
		}
	}
}

// place writes what runs where, if it is time to. When nothing is left to be placed, the
// documents hold all events that were gathered.
func (f *Follower) place(ctx context.Context, pace *pace) error {
	if f.folder.Arriving() && (f.folder.Full() || pace.placing() || f.gate.awaited()) {
		began := time.Now()
		if err := f.fold(func() error { return f.folder.Place(ctx) }); err != nil {
			return err
		}
		pace.placed(time.Since(began))
	}
	if !f.folder.Arriving() {
		f.position.set(f.reached)
	}
	return nil
}

// gathered tells of a batch.
func (f *Follower) gathered(batch []Entry, took time.Duration) {
	told := Batch{Events: len(batch), Took: took}
	for _, e := range batch {
		if r := e.Rejected; r != nil {
			told.SetAside++
			bus.LogSubject(f.log.Warn(), r.Subject).Uint64("seq", r.Seq).Str("reason", r.Reason).
				Msg("an event that cannot be folded was set aside")
		}
	}
	last := batch[len(batch)-1]
	f.reached = last.Seq
	f.lag.note(time.Now(), last)
	f.tell(told)
	f.log.Debug().Uint64("seq", last.Seq).Uint64("behind", last.Behind).Int("events", len(batch)).Msg("folded")
}
