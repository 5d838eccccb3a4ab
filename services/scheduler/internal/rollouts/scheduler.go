package rollouts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/telemetry"
)

const (
	// durable is the name of the consumers that all replicas share.
	durable = "scheduler"
	// ackWait bounds how long the inputs of a replica that died rest.
	ackWait = 6 * time.Second
	// commandSlots and eventGroups bound what a replica works on at once.
	commandSlots = 16
	timerSlots   = 64 // a measurement keeps one for as long as what it asks takes
	eventGroups  = 32
	eventBatch   = 256
	// fanOut bounds the requests to the broker of one deployment at once.
	fanOut = 32
	// retryAfter is how long an input rests that could not be carried out.
	retryAfter = time.Second
)

// Scheduler is one replica.
type Scheduler struct {
	bus       *bus.Bus
	log       zerolog.Logger
	records   *bus.Cells[record]
	results   *bus.Cells[deploy.Results]
	queues    *bus.Cells[deploy.Queue]
	snapshots *bus.Cells[contract.SnapshotPiece]
	slots     *bus.Cells[deploy.Slots]
	waiting   *bus.Cells[deploy.Holder]
	driving   keyedMutex
	pieces    pieces
	measuring sync.Map // deployments whose canaries this replica measures now
	set       Settings
	seen      *telemetry.Telemetry
}

// Settings are what may be different from one installation to another.
type Settings struct {
	Sweep  time.Duration // how often what no input would heal is looked for
	Limits deploy.Limits // of deployments under way at once
	Meter  *analysis.Meter
	Seen   *telemetry.Telemetry // nil: nobody looks
}

// New opens the buckets.
func New(ctx context.Context, b *bus.Bus, log zerolog.Logger, set Settings) (*Scheduler, error) {
	s := &Scheduler{bus: b, log: log, set: set, seen: set.Seen}
	if s.seen == nil {
		s.seen = telemetry.New(nil)
	}
	var errs [6]error
	s.records, errs[0] = bus.OpenCells[record](ctx, b, contract.BucketDeploy)
	s.results, errs[1] = bus.OpenCells[deploy.Results](ctx, b, contract.BucketDeploy)
	s.queues, errs[2] = bus.OpenCells[deploy.Queue](ctx, b, contract.BucketLocks)
	s.snapshots, errs[3] = bus.OpenCells[contract.SnapshotPiece](ctx, b, contract.BucketSnapshots)
	s.slots, errs[4] = bus.OpenCells[deploy.Slots](ctx, b, contract.BucketLocks)
	s.waiting, errs[5] = bus.OpenCells[deploy.Holder](ctx, b, contract.BucketLocks)
	return s, errors.Join(errs[:]...)
}

// Run takes inputs until ctx ends and returns when all that it began is done or
// left for another replica.
func (s *Scheduler) Run(ctx context.Context, ready func()) error {
	commands, err := s.bus.Consumer(ctx, contract.StreamCommands,
		bus.ConsumerConfig(durable, contract.CommandsAll, ackWait))
	if err != nil {
		return err
	}
	events, err := s.bus.Consumer(ctx, contract.StreamEvents,
		bus.ConsumerConfig(durable, contract.EventsOfJobs, ackWait))
	if err != nil {
		return err
	}
	timers, err := s.bus.Consumer(ctx, contract.StreamTimers,
		bus.ConsumerConfig(durable, contract.TimersFired, ackWait))
	if err != nil {
		return err
	}
	replica, err := s.serveControls(ctx)
	if err != nil {
		return err
	}
	defer replica.Stop()
	var loops sync.WaitGroup
	loops.Go(func() {
		s.bus.Work(ctx, timers, timerSlots, func(d *bus.Delivery) { s.handleTimer(ctx, d) })
	})
	loops.Go(func() {
		s.bus.Work(ctx, commands, commandSlots, func(d *bus.Delivery) { s.handleCommand(ctx, d) })
	})
	loops.Go(func() {
		g := newGathering(eventGroups, s.handleEndings)
		s.bus.Batches(ctx, events, eventBatch, func(said []*bus.Delivery) { s.handleEvents(ctx, g, said) })
		g.Wait()
	})
	loops.Go(func() { s.sweepUntil(ctx) })
	replica.Ready()
	s.seen.OnRead(s.showQueues)
	ready()
	loops.Wait()
	return ctx.Err()
}

// handleCommand begins the deployment that a command asks for, or goes on with
// it where another replica began and did not finish the step.
func (s *Scheduler) handleCommand(ctx context.Context, d *bus.Delivery) {
	ctx, release := d.Hold(ctx, ackWait)
	defer release()
	o, err := readOrder(d.Data())
	if err != nil {
		bus.LogSubject(s.log.Error(), d.Subject()).Err(err).Uint64("seq", d.Seq).Msg("command refused")
		s.note(d, d.Reject("cannot be read"))
		s.seen.Inputs.WithLabelValues(inputCommand, outcomeRefused).Inc()
		return
	}
	log := s.log.With().Str("deployment", o.Deployment).Logger()
	ctx, span := s.seen.Span(observe.Continue(ctx, o.Traceparent), observe.Consumes, "command",
		observe.Deployment(o.Deployment), observe.Kind(string(o.kind())))
	if err = s.begin(ctx, o, d.Data()); err == nil {
		err = s.drive(ctx, o.Deployment)
	}
	outcome := s.settle(ctx, log, err, d)
	s.seen.Inputs.WithLabelValues(inputCommand, outcome).Inc()
	span.Know(observe.Outcome(outcome))
	span.End("")
}

func (s *Scheduler) begin(ctx context.Context, o order, raw []byte) error {
	policy, err := o.rollout.Policy.Domain()
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	rollout, err := deploy.NewRollout(o.rollout.Snapshot.Targets, policy, o.rollout.Actor)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if s.needsSlot(o) {
		rollout.Slot = deploy.SlotWanted
	}
	_, err = s.records.Create(ctx, o.Deployment, record{Command: raw, Rollout: rollout})
	if errors.Is(err, bus.ErrConflict) {
		return nil // it was begun before
	}
	return err
}

// handleTimer looks at a deployment when something that it waits for may be due.
// Timers are hints: what the record says decides.
func (s *Scheduler) handleTimer(ctx context.Context, d *bus.Delivery) {
	ctx, release := d.Hold(ctx, ackWait)
	defer release()
	id := string(d.Data())
	err := s.tick(ctx, id)
	if err == nil {
		err = s.measure(ctx, id)
	}
	if errors.Is(err, bus.ErrNone) { // a deployment of which nothing is left
		err = nil
	}
	outcome := s.settle(ctx, s.log.With().Str("deployment", id).Logger(), err, d)
	s.seen.Inputs.WithLabelValues(inputTimer, outcome).Inc()
}

// tick lets time pass for a deployment, and carries it on.
func (s *Scheduler) tick(ctx context.Context, id string) error {
	_, err := s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout { return now.Tick(clock()) })
	if err != nil {
		return err
	}
	return s.drive(ctx, id)
}

// settle acknowledges inputs whose consequences are durable, and hands back
// others. A replica that lost the lease on one of them does neither. It returns what
// came of them, as it is counted.
func (s *Scheduler) settle(ctx context.Context, log zerolog.Logger, err error, inputs ...*bus.Delivery) (outcome string) {
	switch {
	case ctx.Err() != nil: // stopping, or the lease is lost: they come again by themselves
		return outcomeLeft
	case err == nil:
		for _, d := range inputs {
			s.note(d, d.Done(ctx))
		}
		return outcomeDone
	case errors.Is(err, deploy.ErrInvalidPlan):
		log.Error().Err(err).Msg("input refused")
		for _, d := range inputs {
			s.note(d, d.Reject(err.Error()))
		}
		return outcomeRefused
	default:
		log.Warn().Err(err).Msg("input will be tried again")
		for _, d := range inputs {
			s.note(d, d.Again(retryAfter))
		}
		return outcomeAgain
	}
}

// What is taken up, and what comes of it, as it is counted.
const (
	inputCommand = "command"
	inputEvent   = "event"
	inputTimer   = "timer"

	outcomeDone    = "done"
	outcomeAgain   = "again"
	outcomeRefused = "refused"
	outcomeLeft    = "left"
)

// note logs that an acknowledgement did not go through. Nothing follows from
// that: the input comes again, and taking it again changes nothing.
func (s *Scheduler) note(d *bus.Delivery, err error) {
	if err != nil {
		bus.LogSubject(s.log.Debug(), d.Subject()).Err(err).Msg("acknowledgement lost")
	}
}
