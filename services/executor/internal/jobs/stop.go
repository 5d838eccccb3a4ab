package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// stops passes on the word that a deployment stops to the attempts that work on
// it, the moment it is said. A word that is missed costs time alone: each attempt
// looks for it before a step.
type stops struct {
	mu       sync.Mutex
	watchers map[string]map[*context.CancelCauseFunc]struct{} // by deployment
}

// listen subscribes to the words of all deployments.
func (s *stops) listen(nc *nats.Conn) (unsubscribe func(), err error) {
	sub, err := nc.Subscribe(contract.EventsOfStop, func(msg *nats.Msg) {
		deployment, _ := contract.About(msg.Subject)
		s.mu.Lock()
		defer s.mu.Unlock()
		for cancel := range s.watchers[deployment] {
			(*cancel)(errStopped)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("listen for stops: %w", err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only if the connection is gone already
}

// watch returns a context that ends with errStopped when the deployment stops.
func (s *stops) watch(ctx context.Context, deployment string) (watched context.Context, release func()) {
	watched, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers == nil {
		s.watchers = map[string]map[*context.CancelCauseFunc]struct{}{}
	}
	if s.watchers[deployment] == nil {
		s.watchers[deployment] = map[*context.CancelCauseFunc]struct{}{}
	}
	s.watchers[deployment][&cancel] = struct{}{}
	return watched, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers[deployment], &cancel)
		if len(s.watchers[deployment]) == 0 {
			delete(s.watchers, deployment)
		}
	}
}

// stopped says whether the job ends before this step because its deployment
// stops. From the switch on it goes through: the host has the new release, and
// what is left is to clean up behind it.
func (a *attempt) stopped(ctx context.Context, step deploy.Step) (bool, error) {
	if !a.mayStop(step) {
		return false, nil
	}
	return a.stopSaid(ctx, a.deployment)
}

// stopSaid says whether it was said that the deployment stops.
func (w *Worker) stopSaid(ctx context.Context, deployment string) (bool, error) {
	_, err := w.bus.Last(ctx, contract.StreamEvents, contract.StopSubject(deployment))
	if errors.Is(err, bus.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// mayStop says whether the host is as it was before this step. An earlier attempt
// may have moved the link; connecting tells.
func (a *attempt) mayStop(step deploy.Step) bool {
	again := a.again()
	switch step {
	case deploy.StepConnect, deploy.StepSetUp, deploy.StepTraffic, deploy.StepRetire:
		return !again
	case deploy.StepBefore, deploy.StepStage, deploy.StepPrepare, deploy.StepSwitch:
		return !again || !a.moved()
	default:
		return false
	}
}

// mayBeCut says whether a step may be given up halfway because the deployment
// stops. What comes from the switch on may not; nor may what the user has run,
// half of which may be worse than all.
func mayBeCut(step deploy.Step) bool { return step.Phase() == deploy.Pre && step != deploy.StepBefore }

// again says whether there was an attempt before this one, which may have done
// anything.
func (a *attempt) again() bool { return a.journal.envelope.Attempt > 1 }

// moved says whether the host runs what this job would switch to.
func (a *attempt) moved() bool {
	if a.kind == deploy.KindRollback {
		return a.current != a.from
	}
	return a.current == a.pkg.Version
}

// cancelled is how a job ends that stopped before this step.
func (a *attempt) cancelled(step deploy.Step) contract.JobEndedEvent {
	return contract.JobEndedEvent{
		State: string(deploy.Cancelled), Release: a.current, Step: a.outcome.Step,
		Note: fmt.Sprintf("the deployment was stopped before the step %s was done; the host runs what it ran before", step),
	}
}
