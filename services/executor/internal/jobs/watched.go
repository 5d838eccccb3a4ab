package jobs

import (
	"context"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
)

// How jobs leave an executor's hands, beside the states that they end with.
const (
	outcomeOver       = "over"        // it had ended before
	outcomeLeft       = "left"        // another attempt has it, or may have
	outcomeHandedBack = "handed_back" // this executor cannot do it, another may
	outcomeCutShort   = "cut_short"   // it will be delivered again
	outcomeRefused    = "refused"     // it cannot be read
)

// watched begins to count a job, and a span of it within that which it was sent by.
// done is called once with what came of it; why is the error where that is none of the
// job's own.
func (w *Worker) watched(ctx context.Context, m contract.Message, kind deploy.Kind) (_ context.Context, done func(outcome string, why error)) {
	seen, began := w.set.Seen, time.Now()
	seen.Working.Inc()
	ctx, span := seen.Span(observe.Continue(ctx, m.Traceparent), observe.Consumes, "job",
		observe.Deployment(m.Deployment), observe.Host(m.Host), observe.Kind(string(kind)), observe.Wave(m.Wave))
	return ctx, func(outcome string, why error) {
		seen.Jobs.WithLabelValues(string(kind), outcome).Inc()
		span.Know(observe.Outcome(outcome))
		switch {
		case why != nil:
			span.End(failure.Explain(why).Code)
		case outcome == string(deploy.Failed):
			span.End(outcome)
		default:
			span.End("")
		}
		if deploy.State(outcome).Terminal() {
			seen.JobTimes.WithLabelValues(string(kind)).Observe(time.Since(began).Seconds())
		}
		seen.Working.Dec() // by then it is counted
	}
}

// watchedStep is the same for a step. What it was done with is in none of it: the
// outcome and the code are each one of a few.
func (a *attempt) watchedStep(ctx context.Context, step deploy.Step) (_ context.Context, done func(contract.LastStep, error)) {
	began := time.Now()
	ctx, span := a.set.Seen.Span(ctx, observe.Asks, string(step),
		observe.Deployment(a.deployment), observe.Host(a.target.Host), observe.Attempt(a.journal.envelope.Attempt))
	return ctx, func(ended contract.LastStep, err error) {
		outcome, code := ended.State, ""
		if ended.Failure != nil {
			code = ended.Failure.Code
		}
		if err != nil { // the step says nothing of itself any more
			outcome = outcomeLeft
		}
		a.set.Seen.Steps.WithLabelValues(string(step), outcome).Observe(time.Since(began).Seconds())
		span.Know(observe.Outcome(outcome))
		span.End(code)
	}
}
