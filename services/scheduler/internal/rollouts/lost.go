package rollouts

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// endLost ends a target of a deployment that drains, whose job was lost with its
// stream: it has begun, so that the stop did not end it, and nobody would carry it
// on. A job is acknowledged after its end is stored; where neither is there, nobody
// is about to say how it went. An executor may still work without knowing of the
// loss: one that has spoken lately is left alone, another learns of it with its
// next word, since the end takes the place of that.
func (s *Scheduler) endLost(ctx context.Context, o order, r deploy.Rollout, target int, host string) error {
	stored, err := s.stored(ctx, host)
	switch {
	case err == nil && stored.Deployment == o.Deployment:
		return nil
	case err != nil && !errors.Is(err, bus.ErrNone):
		return err
	}
	_, last, err := s.lastWord(ctx, contract.JobEventSubject(o.Deployment, host))
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return err
	}
	if time.Since(last.Time) < restFor*s.set.Sweep {
		return nil
	}
	_, err = s.endHost(ctx, o, r, target, host, failed(contract.FailJobLost,
		"the message broker lost the job while the deployment was being stopped; what this host runs is not known"))
	return err
}

// endHost stores an end of a target that no executor tells, and says whether it had
// one already. It competes with the words of whoever works there: exactly one end is
// stored.
func (s *Scheduler) endHost(ctx context.Context, o order, r deploy.Rollout, target int, host string, end contract.JobEndedEvent) (had bool, err error) {
	subject := contract.JobEventSubject(o.Deployment, host)
	for {
		last, m, err := s.lastWord(ctx, subject)
		if err != nil && !errors.Is(err, bus.ErrNone) {
			return false, err
		}
		if _, isEnd := m.Body.(contract.JobEndedEvent); isEnd {
			return true, nil
		}
		e := o.unbegun(r, target, host)
		e.ID, e.Attempt, e.Token = o.Deployment+"."+host+"."+end.State, m.Attempt, m.TokenAt(last)
		data, err := contract.Encode(e, end)
		if err != nil {
			return false, err
		}
		if _, err := s.bus.Append(ctx, contract.StreamEvents, subject, last, e.ID, data); !errors.Is(err, bus.ErrConflict) {
			return false, err
		}
	}
}

func failed(code, reason string) contract.JobEndedEvent {
	return contract.JobEndedEvent{State: string(deploy.Failed), Failure: &contract.Failure{Code: code, Reason: reason}}
}
