package query

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func fromHeader(h deploy.Header) contract.Deployment {
	return contract.Deployment{
		ID: h.ID, Seq: h.Seq, Kind: string(h.Kind), Project: h.Project, Application: h.Application, Path: h.Path,
		Version: h.Version, Package: h.Package, From: h.From, RollbackOf: h.RollbackOf, Actor: h.Actor,
		RetryOf: h.RetryOf, Batch: h.Batch, Metadata: fromNotes(h.Metadata), Origin: contract.Origin(h.Origin), Strategy: string(h.Strategy),
		State: string(h.State), Cause: string(h.Cause), Reason: h.Reason, By: h.By, Until: optional(h.Until),
		RolledBackBy: h.RolledBackBy,
		Targets:      h.Targets, Wave: h.Wave, Waves: h.Waves, Counts: contract.Counts(h.Total()),
		AcceptedAt: h.AcceptedAt, StartedAt: optional(h.StartedAt), EndedAt: optional(h.EndedAt),
	}
}

func fromNotes(noted []deploy.Note) []contract.Note {
	var all []contract.Note
	for _, n := range noted {
		all = append(all, contract.Note(n))
	}
	return all
}

func toNotes(asked []contract.Note) []deploy.Note {
	var all []deploy.Note
	for _, n := range asked {
		all = append(all, deploy.Note(n))
	}
	return all
}

func fromTarget(ordinal int, t deploy.Target) contract.TargetStatus {
	row := contract.TargetStatus{
		Target: ordinal, Host: t.Host, Name: t.Name, Wave: t.Wave, State: string(t.State), Attempt: t.Attempt,
		Executor: t.Executor, Step: string(t.Step), Done: t.Done, Bytes: t.Bytes, Steps: []contract.StepStatus{},
		StartedAt: optional(t.StartedAt), EndedAt: optional(t.EndedAt),
		Release: t.Release, Previous: t.Previous, Changed: t.Changed, Note: t.Note, Failure: fromFailure(t.Failure),
	}
	for _, s := range t.Steps {
		row.Steps = append(row.Steps, contract.StepStatus{
			Step: string(s.Step), Phase: string(s.Step.Phase()), State: string(s.State),
			StartedAt: s.StartedAt, EndedAt: optional(s.EndedAt), Note: s.Note, Failure: fromFailure(s.Failure),
		})
	}
	return row
}

func fromFailure(f *deploy.Failure) *contract.Failure {
	if f == nil {
		return nil
	}
	return &contract.Failure{Code: f.Code, Reason: f.Reason}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
