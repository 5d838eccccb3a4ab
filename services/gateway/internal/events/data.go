package events

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Opening is what a deployment is about.
type Opening struct {
	Kind        string            `json:"kind"`
	Application string            `json:"application"`
	Version     string            `json:"version,omitempty"`
	Actor       string            `json:"actor"`
	Strategy    string            `json:"strategy,omitempty"`
	Targets     int               `json:"targets"`
	Waves       int               `json:"waves"`
	RollbackOf  string            `json:"rollback_of,omitempty"`
	RetryOf     string            `json:"retry_of,omitempty"`
	Batch       string            `json:"batch,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Stage       string            `json:"stage,omitempty"`
	Template    string            `json:"template,omitempty"`
	Group       string            `json:"group,omitempty"`
	AcceptedAt  time.Time         `json:"accepted_at"`
}

// Planned is a piece of the plan.
type Planned struct {
	First   int      `json:"first"` // place of the first in the plan
	Targets []Target `json:"targets"`
}

// Target is a server of a plan.
type Target struct {
	Server string `json:"server"`
	Name   string `json:"name"`
	Wave   int    `json:"wave"`
}

// Standing is where a deployment stands, or how it ended.
type Standing struct {
	State        string     `json:"state"`
	Cause        string     `json:"cause,omitempty"`
	Reason       string     `json:"reason,omitempty"`
	By           string     `json:"by,omitempty"`
	Until        *time.Time `json:"until,omitempty"`
	RolledBackBy string     `json:"rolled_back_by,omitempty"`
}

// Starting is the beginning of an attempt on a server.
type Starting struct {
	Executor string `json:"executor"`
	Step     string `json:"step,omitempty"`
}

// Step is one that began or ended.
type Step struct {
	Step      string     `json:"step"`
	State     string     `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Note      string     `json:"note,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
	Next      string     `json:"next,omitempty"` // begins as this one ends
}

// Progress is how far a transfer has come.
type Progress struct {
	Step  string `json:"step"`
	Done  int64  `json:"done_bytes"`
	Total int64  `json:"total_bytes,omitempty"`
}

// Output is what hooks, restarts and checks said on a server.
type Output struct {
	Step  string `json:"step"`
	First int    `json:"first"` // number of the first line in the attempt
	Lines []Line `json:"lines"`
}

// Line is one of Output.
type Line struct {
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"`
	Level  string    `json:"level"`
	Text   string    `json:"text"`
}

// Ending is how a server ended.
type Ending struct {
	State    string   `json:"state"`
	Release  string   `json:"release,omitempty"`
	Previous string   `json:"previous,omitempty"`
	Changed  bool     `json:"changed"`
	Note     string   `json:"note,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
	Step     *Step    `json:"step,omitempty"` // the last, where nothing else tells how it ended
}

// Failure says why a step, or a server, failed.
type Failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Metadata is what was noted of a deployment, as clients are shown it; nil where nothing was.
func Metadata(noted []contract.Note) map[string]string {
	var all map[string]string
	for _, n := range noted {
		if all == nil {
			all = map[string]string{}
		}
		all[n.Name] = n.Value
	}
	return all
}

// dataOf is the type of the event that tells this, "" where nothing does, and its data.
func dataOf(m contract.Message) (string, any) {
	switch e := m.Body.(type) {
	case contract.AcceptedEvent:
		return Accepted, Opening{
			Kind: e.Kind, Application: e.Application, Version: e.Version, Actor: e.Actor, Strategy: e.Strategy,
			Targets: e.Targets, Waves: e.Waves, RollbackOf: e.RollbackOf, RetryOf: e.RetryOf, Batch: e.Batch,
			Stage: e.Stage, Template: e.Template, Group: e.Group, Metadata: Metadata(e.Metadata), AcceptedAt: e.AcceptedAt,
		}
	case contract.PlannedEvent:
		p := Planned{First: e.First, Targets: make([]Target, len(e.Targets))}
		for i, t := range e.Targets {
			p.Targets[i] = Target{Server: t.Host, Name: t.Name, Wave: t.Wave}
		}
		return Plan, p
	case contract.WaveEvent:
		if m.Wave == 0 {
			return Started, nil
		}
		return WaveStarted, nil
	case contract.StatusEvent:
		return ofDeployment + e.State, Standing{e.State, e.Cause, e.Reason, e.Actor, e.Until, e.RolledBackBy}
	case contract.ConcludedEvent:
		return ofDeployment + e.State, Standing{e.State, e.Cause, e.Reason, e.Actor, nil, e.RolledBackBy}
	case contract.JobStartedEvent:
		return ofHost + "started", Starting(e)
	case contract.JobStepEvent:
		return ofHost + "step", Step{e.Step, e.State, e.StartedAt, e.EndedAt, e.Note, failureOf(e.Failure), e.Next}
	case contract.JobProgressEvent:
		return ofHost + "progress", Progress(e)
	case contract.JobOutputEvent:
		return ofHost + "output", outputOf(e)
	case contract.JobEndedEvent:
		return ofHost + e.State, endingOf(e)
	default:
		return "", nil
	}
}

func outputOf(e contract.JobOutputEvent) Output {
	out := Output{Step: e.Step, First: e.First, Lines: make([]Line, len(e.Lines))}
	for i, l := range e.Lines {
		out.Lines[i] = Line(l)
	}
	return out
}

func endingOf(e contract.JobEndedEvent) Ending {
	out := Ending{
		State: e.State, Release: e.Release, Previous: e.Previous, Changed: e.Changed, Note: e.Note, Failure: failureOf(e.Failure),
	}
	if s := e.Step; s != nil {
		out.Step = &Step{s.Step, s.State, s.StartedAt, &s.EndedAt, s.Note, failureOf(s.Failure), ""}
	}
	return out
}

func failureOf(f *contract.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{Code: f.Code, Reason: f.Reason}
}
