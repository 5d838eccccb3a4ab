package contract

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// EventRecord converts an event message, stored in EV under this sequence, into
// the domain. It fails with ErrUnknownType where the message is no event.
func EventRecord(m Message, seq uint64) (deploy.Record, error) {
	event, err := domainEvent(m, seq)
	return deploy.Record{Seq: seq, Time: m.Time, Event: event}, err
}

func domainEvent(m Message, seq uint64) (deploy.Event, error) {
	on := deploy.TargetRef{Target: m.Target, Host: m.Host, Attempt: m.Attempt, Token: m.Token}
	switch b := m.Body.(type) {
	case AcceptedEvent:
		return deploy.WasAccepted{
			Kind: deploy.Kind(b.Kind), Project: m.Project, Application: b.Application, Path: b.Path,
			Version: b.Version, Package: b.Package, From: b.From, RollbackOf: b.RollbackOf,
			Actor: b.Actor, Targets: b.Targets, Waves: b.Waves, AcceptedAt: b.AcceptedAt,
		}, nil
	case PlannedEvent:
		planned := deploy.WasPlanned{First: b.First}
		for _, t := range b.Targets {
			planned.Targets = append(planned.Targets, deploy.PlannedTarget(t))
		}
		return planned, nil
	case WaveEvent:
		return deploy.WaveBegan{Wave: m.Wave}, nil
	case ConcludedEvent:
		return deploy.WasConcluded{State: deploy.State(b.State), Reason: b.Reason}, nil
	case JobStartedEvent:
		on.Token = seq // the event is what the token is made of
		return deploy.JobStarted{On: on, Executor: b.Executor}, nil
	case JobStepEvent:
		return deploy.StepChanged{
			On: on, Step: deploy.Step(b.Step), State: deploy.State(b.State),
			StartedAt: b.StartedAt, EndedAt: deref(b.EndedAt), Note: b.Note, Failure: failure(b.Failure),
		}, nil
	case JobProgressEvent:
		return deploy.JobProgressed{On: on, Step: deploy.Step(b.Step), Done: b.Done, Total: b.Total}, nil
	case JobEndedEvent:
		return deploy.JobEnded{
			On: on, State: deploy.State(b.State), Release: b.Release, Previous: b.Previous,
			Changed: b.Changed, Note: b.Note, Failure: failure(b.Failure),
		}, nil
	default:
		return nil, fmt.Errorf("%w: %q is no event", ErrUnknownType, m.Type)
	}
}

func failure(f *Failure) *deploy.Failure {
	if f == nil {
		return nil
	}
	return &deploy.Failure{Code: f.Code, Reason: f.Reason}
}

func deref(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
