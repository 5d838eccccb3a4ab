package contract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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
	on := deploy.TargetRef{Target: m.Target, Host: m.Host, Attempt: m.Attempt, Token: m.TokenAt(seq)}
	switch b := m.Body.(type) {
	case AcceptedEvent:
		return deploy.WasAccepted{
			Kind: deploy.Kind(b.Kind), Project: m.Project, Application: b.Application, Path: b.Path,
			Version: b.Version, Package: b.Package, From: b.From, RollbackOf: b.RollbackOf,
			Actor: b.Actor, Targets: b.Targets, Waves: b.Waves, AcceptedAt: b.AcceptedAt,
			Strategy: deploy.StrategyKind(b.Strategy), RetryOf: b.RetryOf, Batch: b.Batch,
			Metadata: notes(b.Metadata), Origin: deploy.Origin(b.Origin),
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
		return deploy.WasConcluded{State: deploy.State(b.State), Cause: deploy.Cause(b.Cause), Reason: b.Reason, By: b.Actor, Revert: b.RolledBackBy}, nil
	case StatusEvent:
		return deploy.WasStatus{Status: deploy.Status{
			State: deploy.State(b.State), Cause: deploy.Cause(b.Cause), Reason: b.Reason, By: b.Actor, Until: deref(b.Until),
			Revert: b.RolledBackBy,
		}}, nil
	case StopEvent:
		return deploy.WasStopped{Cause: deploy.Cause(b.Cause)}, nil
	case JobStartedEvent:
		return deploy.JobStarted{On: on, Executor: b.Executor, Step: deploy.Step(b.Step)}, nil
	case JobStepEvent:
		return deploy.StepChanged{
			On: on, Step: deploy.Step(b.Step), State: deploy.State(b.State), StartedAt: b.StartedAt, EndedAt: deref(b.EndedAt),
			Note: b.Note, Failure: failure(b.Failure), Next: deploy.Step(b.Next),
		}, nil
	case JobProgressEvent:
		return deploy.JobProgressed{On: on, Step: deploy.Step(b.Step), Done: b.Done, Total: b.Total}, nil
	case JobEndedEvent:
		ended := deploy.JobEnded{
			On: on, State: deploy.State(b.State), Release: b.Release, Previous: b.Previous,
			Changed: b.Changed, Note: b.Note, Failure: failure(b.Failure),
		}
		if s := b.Step; s != nil {
			ended.Last = &deploy.StepRecord{
				Step: deploy.Step(s.Step), State: deploy.State(s.State), StartedAt: s.StartedAt, EndedAt: s.EndedAt,
				Note: s.Note, Failure: failure(s.Failure),
			}
		}
		return ended, nil
	case JobOutputEvent:
		said := deploy.OutputSaid{On: on, Step: deploy.Step(b.Step), First: b.First}
		for _, l := range b.Lines {
			said.Lines = append(said.Lines, deploy.OutputLine(l))
		}
		return said, nil
	default:
		return nil, fmt.Errorf("%w: %q is no event", ErrUnknownType, m.Type)
	}
}

func notes(noted []Note) []deploy.Note {
	var all []deploy.Note
	for _, n := range noted {
		all = append(all, deploy.Note(n))
	}
	return all
}

// Domain converts what a command says about the course of its deployment. It
// fails where that cannot be carried out.
func (p Policy) Domain() (deploy.Policy, error) {
	d := deploy.Policy{
		Strategy: deploy.Strategy{
			Kind: deploy.StrategyKind(cmp.Or(p.Strategy.Type, string(deploy.AllAtOnce))), MaxParallel: p.Strategy.MaxParallel,
			Pause: milliseconds(p.Strategy.Pause), Hold: milliseconds(p.Strategy.Hold), Keep: milliseconds(p.Strategy.Keep),
		},
		Budget:   deploy.Budget{Then: deploy.Overrun(p.Failures.Then), SkipUnreachable: p.Failures.SkipUnreachable},
		StartAt:  deref(p.StartAt),
		Deadline: milliseconds(p.Deadline),
		Progress: milliseconds(p.Progress),
	}
	errs := p.check(d)
	amount := func(text string) (a deploy.Amount) {
		if text != "" {
			var err error
			a, err = deploy.ParseAmount(text)
			errs = append(errs, err)
		}
		return a
	}
	limit := func(text string) *deploy.Amount {
		if text == "" {
			return nil
		}
		a := amount(text)
		return &a
	}
	d.Strategy.First, d.Strategy.Batch = amount(p.Strategy.First), amount(p.Strategy.Batch)
	d.Strategy.MinHealthy = amount(p.Strategy.MinHealthy)
	d.Budget.Batch, d.Budget.Total = limit(p.Failures.Batch), limit(p.Failures.Total)
	if a := p.Approval; a != nil {
		d.Approval = &deploy.Approval{Digest: a.Digest, NotRequester: a.NotRequester, Expires: a.Expires}
	}
	if a := p.Strategy.Analysis; a != nil {
		analysis, err := a.domain()
		d.Strategy.Analysis, errs = analysis, append(errs, err)
	}
	for _, set := range p.Strategy.Sets {
		if role := deploy.Role(set.Role); role != deploy.RoleNew && p.Strategy.BlueGreen == nil {
			errs = append(errs, fmt.Errorf("%w: it is not said what to do on hosts of the role %q", deploy.ErrInvalidPlan, role))
		}
		d.Strategy.Sets = append(d.Strategy.Sets, deploy.Set{Role: deploy.Role(set.Role), Targets: set.Targets})
	}
	if p.Calendar != nil {
		calendar, err := p.Calendar.Domain()
		d.Calendar, errs = calendar, append(errs, err)
	}
	return d, errors.Join(errs...)
}

// check returns what is wrong with the words and the durations of a policy that
// was converted so.
func (p Policy) check(d deploy.Policy) []error {
	var errs []error
	if !slices.Contains(deploy.StrategyKinds(), d.Strategy.Kind) {
		errs = append(errs, fmt.Errorf("%w: unknown strategy %q", deploy.ErrInvalidPlan, p.Strategy.Type))
	}
	switch d.Budget.Then {
	case "", deploy.OverrunStops, deploy.OverrunPauses, deploy.OverrunReverts:
	default:
		errs = append(errs, fmt.Errorf("%w: unknown consequence %q of failures", deploy.ErrInvalidPlan, p.Failures.Then))
	}
	limits := JobLimits{}
	if p.Limits != nil {
		limits = *p.Limits
	}
	for _, ms := range []struct {
		name  string
		value int64
	}{
		{"pause", p.Strategy.Pause}, {"hold", p.Strategy.Hold}, {"deadline", p.Deadline}, {"progress", p.Progress},
		{"host limit", limits.Host}, {"step limit", limits.Step},
	} {
		if ms.value < 0 || milliseconds(ms.value)/time.Millisecond != time.Duration(ms.value) {
			errs = append(errs, fmt.Errorf("%w: a %s of %d milliseconds", deploy.ErrInvalidPlan, ms.name, ms.value))
		}
	}
	return errs
}

// domain converts how measurements judge. It fails where that would be by none, or
// by one after another without a pause.
func (a Analysis) domain() (*deploy.Analysis, error) {
	d := &deploy.Analysis{
		Interval: milliseconds(a.Interval), Successes: a.Successes, Failures: a.Failures, Inconclusive: a.Inconclusive,
	}
	switch {
	case a.Interval < 1 || d.Interval/time.Millisecond != time.Duration(a.Interval):
		return nil, fmt.Errorf("%w: an interval of %d milliseconds", deploy.ErrInvalidPlan, a.Interval)
	case a.Successes < 1 || a.Failures < 0 || a.Inconclusive < 0:
		return nil, fmt.Errorf("%w: an analysis of %d, %d and %d measurements", deploy.ErrInvalidPlan, a.Successes, a.Failures, a.Inconclusive)
	}
	return d, nil
}

// weekdays is how days are written, Sunday first as in the package time.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Weekdays returns how the days of the week are written, Monday first.
func Weekdays() []string { return append(slices.Clone(weekdays[1:]), weekdays[0]) }

// Domain converts a calendar. It fails where a day or a time is not written as it
// must be; deploy.Calendar.Check finds the rest.
func (c Calendar) Domain() (*deploy.Calendar, error) {
	d := &deploy.Calendar{Zone: c.Zone, Except: c.Except}
	for _, w := range c.Windows {
		from, err := Minute(w.From)
		if err != nil {
			return nil, err
		}
		to, err := Minute(w.To)
		if err != nil {
			return nil, err
		}
		window := deploy.Window{From: from, To: to}
		for _, day := range w.Days {
			i := slices.Index(weekdays, day)
			if i < 0 {
				return nil, fmt.Errorf("%w: unknown day %q", deploy.ErrInvalidPlan, day)
			}
			window.Days = append(window.Days, time.Weekday(i))
		}
		d.Windows = append(d.Windows, window)
	}
	return d, nil
}

// Minute reads a time of day such as 22:00 as the minute of the day.
func Minute(text string) (int, error) {
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%w: %q is no time of day such as 22:00", deploy.ErrInvalidPlan, text)
	}
	return at.Hour()*60 + at.Minute(), nil
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

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
