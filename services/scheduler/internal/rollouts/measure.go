package rollouts

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/probe"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
)

// measurements is what a verdict means for a canary.
var measurements = map[probe.Verdict]deploy.Measurement{
	probe.Pass: deploy.Passed, probe.Fail: deploy.Missed, probe.Inconclusive: deploy.Inconclusive,
}

// measure measures a canary if that is due. Another replica may do so too: the
// first result counts.
func (s *Scheduler) measure(ctx context.Context, id string) error {
	rec, _, err := s.records.Get(ctx, id)
	if err != nil {
		return err
	}
	made, due := rec.Rollout.Measures(clock())
	if !due {
		return nil
	}
	if _, already := s.measuring.LoadOrStore(id, made); already {
		return nil // it takes longer than the next timer
	}
	defer s.measuring.Delete(id)
	o, err := readOrder(rec.Command)
	if err != nil {
		return fmt.Errorf("read stored command: %w", err)
	}
	var checks []contract.Check
	if a := o.rollout.Policy.Strategy.Analysis; a != nil {
		checks = a.Checks
	}
	result := s.set.Meter.Measure(ctx, checks, subject(o))
	if ctx.Err() != nil {
		return ctx.Err() // it says nothing of the canary
	}
	_, err = s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout {
		return now.Measured(made, measurements[result.Verdict], words(result), clock())
	})
	if err != nil {
		return err
	}
	return s.drive(ctx, id)
}

// subject is what placeholders in checks stand for.
func subject(o order) probe.Subject {
	of := probe.Subject{Deployment: o.Deployment, Application: o.rollout.Application.Name}
	switch b := o.Body.(type) {
	case contract.DeployCommand:
		of.Version = b.Package.Version
	case contract.RollbackCommand:
		of.Version = b.To
	}
	return of
}

// words says what a measurement has found.
func words(r analysis.Result) string {
	all := make([]string, len(r.Details))
	for i, d := range r.Details {
		all[i] = d.Name + ": " + string(d.Verdict)
		if d.Value != "" {
			all[i] += " (" + d.Value + ")"
		}
		if d.Reason != "" {
			all[i] += ", " + d.Reason
		}
	}
	return strings.Join(all, "; ")
}
