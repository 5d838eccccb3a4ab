package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/telemetry"
)

// Settings bound what a worker does.
type Settings struct {
	Keys        seal.Keys            // open secrets
	Name        string               // of this executor, as events show it
	Zones       []string             // whose jobs it takes
	Slots       int                  // jobs at once
	AckWait     time.Duration        // after which a job of an executor that died is given to another
	StepTimeout time.Duration        // for one step, its repeats included
	HostTimeout time.Duration        // for all steps of a job
	LockWait    time.Duration        // for another installation's work on the host to end; whole seconds
	Tries       int                  // of a step whose connection broke
	MaxAttempts int                  // of a job, over all executors
	Programs    string               // directory on hosts whose files their supervisor includes
	Met         func(runtime string) // is told what prepared a release on a host; nil: nobody wants to know
	Drain       time.Duration        // that jobs have to end once the worker is told to stop
	Seen        *telemetry.Telemetry
}

// Worker takes jobs and carries them out, many at once.
type Worker struct {
	bus     *bus.Bus
	log     zerolog.Logger
	dial    Dial
	bundles *bundles.Cache
	set     Settings
	stops   stops
}

// New returns a worker.
func New(b *bus.Bus, log zerolog.Logger, dial Dial, cache *bundles.Cache, set Settings) *Worker {
	return &Worker{bus: b, log: log, dial: dial, bundles: cache, set: set}
}

// Run takes jobs until ctx ends. Then it takes no more, and gives those that it
// has some time to end; what has not ended by then is left to other executors.
func (w *Worker) Run(ctx context.Context, ready func()) error {
	zones, err := w.join(ctx)
	if err != nil {
		return err
	}
	unsubscribe, err := w.stops.listen(w.bus.Conn())
	if err != nil {
		return err
	}
	defer unsubscribe()
	working, abandon := context.WithCancel(context.WithoutCancel(ctx))
	var drain sync.WaitGroup
	drain.Go(func() {
		<-ctx.Done()
		select {
		case <-time.After(w.set.Drain):
			abandon()
		case <-working.Done():
		}
	})
	defer drain.Wait()
	defer abandon()
	leave, err := attend(ctx, w.bus.Conn(), w.set.Zones)
	if err != nil {
		return err
	}
	defer leave()
	ready()
	w.set.Seen.Slots.Set(float64(w.set.Slots))
	w.bus.WorkAll(ctx, zones, w.set.Slots, func(d *bus.Delivery) { w.handle(working, d) })
	return ctx.Err()
}

// handle carries out one job, if it still is to be done:
//
//	where does the story stand? → ended: nothing to do
//	                            → begin an attempt, whose first event is the fence
//	→ do the steps → say how it ended → only then acknowledge
//
// Whoever is superseded on the way, or may be because its lease ran out, stops
// without a word.
func (w *Worker) handle(ctx context.Context, d *bus.Delivery) {
	m, err := contract.Decode(d.Data())
	var p plan
	if err == nil {
		p, err = planOf(m)
	}
	ctx, release := d.Hold(ctx, w.set.AckWait)
	defer release()
	if err != nil {
		w.refuse(ctx, d, m, err)
		w.set.Seen.Jobs.WithLabelValues("unknown", outcomeRefused).Inc()
		return
	}
	ctx, done := w.watched(ctx, m, p.kind)
	m.Traceparent = observe.Traceparent(ctx) // what is said of the job is said by this span
	log := w.log.With().Str("deployment", m.Deployment).Str("host", m.Host).Logger()
	state, err := w.carryOut(ctx, log, m, p, d.First)
	switch {
	case err == nil:
		done(state, nil)
		note(log, d.Done(ctx))
	case errors.Is(err, errSuperseded), ctx.Err() != nil:
		done(outcomeLeft, nil)
		log.Info().AnErr("cause", context.Cause(ctx)).Err(err).Msg("job left to another attempt")
	case errors.Is(err, bundles.ErrLocal):
		done(outcomeHandedBack, err)
		log.Error().Err(err).Msg("job handed back, for another executor if there is one")
		release() // a heartbeat after it would put the next delivery off
		note(log, d.Again(w.set.AckWait))
	default:
		done(outcomeCutShort, err)
		log.Warn().Err(err).Msg("job cut short, it will be delivered again")
	}
}

// carryOut returns how the job ended once its terminal event is stored; outcomeOver
// where it had ended before. One that nobody was given before is thought to have no
// story yet, which spares asking: the broker refuses the first word where it has.
func (w *Worker) carryOut(ctx context.Context, log zerolog.Logger, m contract.Message, p plan, fresh bool) (outcome string, err error) {
	var at position
	if !fresh {
		if at, err = read(ctx, w.bus, m.Deployment, m.Host); err != nil || at.ended {
			return outcomeOver, err
		}
	}
	first, err := w.first(ctx, m, p, at)
	if err != nil {
		return "", err
	}
	j, err := open(ctx, w.bus, m, at, w.set.Name, first)
	if fresh && errors.Is(err, errSuperseded) {
		return w.carryOut(ctx, log, m, p, false)
	}
	if err != nil {
		return "", err
	}
	log = log.With().Uint64("token", j.Token()).Int("attempt", at.attempt+1).Logger()
	if at.attempt >= w.set.MaxAttempts {
		return w.end(ctx, j, failed(contract.FailAttempts, "every attempt was cut short before it ended"))
	}
	ended, err := w.attempt(ctx, log, m, p, j, first)
	if errors.Is(err, bundles.ErrLocal) && at.attempt+1 >= w.set.MaxAttempts {
		return w.end(ctx, j, failed(contract.FailAttempts, fmt.Sprintf("no executor could carry it out; the last said: %s", failure.Explain(err).Reason)))
	}
	if err != nil {
		return "", err
	}
	log.Info().Str("state", ended.State).Str("release", ended.Release).Msg("job ended")
	return w.end(ctx, j, ended)
}

// end says how the job ended, and returns that once it is stored.
func (w *Worker) end(ctx context.Context, j *journal, e contract.JobEndedEvent) (outcome string, err error) {
	if err := j.end(ctx, e); err != nil {
		return "", err
	}
	if e.Failure != nil {
		w.set.Seen.Failures.WithLabelValues(e.Failure.Code).Inc()
	}
	return e.State, nil
}

// first is the step that the attempt after this position begins with; none where it
// is to end before it.
func (w *Worker) first(ctx context.Context, m contract.Message, p plan, at position) (deploy.Step, error) {
	if at.attempt >= w.set.MaxAttempts {
		return "", nil
	}
	if at.attempt == 0 { // else an earlier one may have done anything
		stop, err := w.stopSaid(ctx, m.Deployment)
		if err != nil || stop {
			return "", err
		}
	}
	return p.kind.Steps(p.work.Domain(p.kind))[0], nil
}

// refuse ends a job that this executor cannot read. If it can be told whose job
// it is, the host fails, since nobody would hear of it otherwise.
func (w *Worker) refuse(ctx context.Context, d *bus.Delivery, m contract.Message, why error) {
	log := w.log.With().Str("deployment", m.Deployment).Str("host", m.Host).Logger() // as far as it can be read
	log.Error().Err(why).Str("subject", d.Subject()).Uint64("seq", d.Seq).Msg("job refused")
	if contract.ValidToken(m.Deployment) && w.isFor(m.Host, d.Subject()) {
		at, err := read(ctx, w.bus, m.Deployment, m.Host)
		if err == nil && !at.ended {
			reason := fmt.Sprintf("this executor does not know the job's type %q, or cannot read it", m.Type)
			err = after(w.bus, m, at).end(ctx, failed(contract.FailInternal, reason))
		}
		if err != nil {
			log.Warn().Err(err).Msg("refusal not stored, the job will be delivered again")
			return
		}
	}
	note(log, d.Reject("cannot be read"))
}

// isFor says whether the subject is that of the host's jobs.
func (w *Worker) isFor(host, subject string) bool {
	return slices.ContainsFunc(w.set.Zones, func(zone string) bool { return subject == contract.JobSubject(zone, host) })
}

func failed(code, reason string) contract.JobEndedEvent {
	return contract.JobEndedEvent{State: "failed", Failure: &contract.Failure{Code: code, Reason: reason}}
}

// note logs that an acknowledgement did not go through. Nothing follows from
// that: the job comes again, and is found to have ended.
func note(log zerolog.Logger, err error) {
	if err != nil {
		log.Debug().Err(err).Msg("acknowledgement lost")
	}
}
