// Package foldtest is what the tests of history share: event streams that are
// legal but otherwise anyhow (stream.go), a store in memory that fails where it
// is told to (memory.go), and the suite that every store passes
// (conformance.go).
package foldtest

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Pick chooses a number from 0 up to n, without n.
type Pick func(n int) int

// Message is one message of EV.
type Message struct {
	Subject, ID string
	Data        []byte
}

// Stream returns the messages of so many deployments, of up to so many targets
// each, mixed. Each deployment is told from its beginning to its end: it waits for
// people, places and times, is paused, stopped, cancelled and taken back; jobs are
// tried again, fail, are skipped and cancelled, and some progress comes too late.
func Stream(pick Pick, deployments, targets int) []Message {
	s := &script{pick: pick, now: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)}
	var all [][]Message
	for i := range deployments {
		all = append(all, s.deployment(fmt.Sprintf("d%019d", i), 1+pick(targets)))
	}
	return s.mix(all)
}

type script struct {
	pick Pick
	now  time.Time
	n    int
}

// deployment tells one deployment as schedulers and executors would.
func (s *script) deployment(id string, targets int) []Message {
	strategy := pickFrom(s,
		deploy.Strategy{Kind: deploy.AllAtOnce}, deploy.Strategy{Kind: deploy.Serial},
		deploy.Strategy{Kind: deploy.Rolling, Batch: deploy.Amount{Percent: 50}},
		deploy.Strategy{Kind: deploy.Canary, First: deploy.Amount{Count: 1}})
	waves := strategy.Plan(targets)
	e := contract.Envelope{Deployment: id, Project: "shop"}
	all := s.plan(e, strategy, targets)
	held, end := s.opening(e)
	all = append(all, held...)
	if end != nil {
		all = append(all, s.stop(e, *end)...)
	}
	ended := contract.ConcludedEvent{State: string(deploy.Succeeded)}
	for e.Wave = range waves.Len() {
		if end == nil {
			all = append(all, s.before(e, strategy.Kind)...)
			all = append(all, s.system(e, contract.WaveEvent{}))
		}
		var wave []Message
		var failed bool
		wave, failed, end = s.wave(e, waves.At(e.Wave), end)
		all = append(all, wave...)
		switch {
		case failed && end == nil && e.Wave < waves.Len()-1:
			end = &contract.ConcludedEvent{State: "failed", Cause: "budget_spent", Reason: "too many hosts failed"}
			all = append(all, s.stop(e, *end)...)
		case failed:
			ended = contract.ConcludedEvent{State: "failed", Cause: "hosts_failed"}
		}
	}
	if end != nil {
		ended = *end
	}
	return append(all, s.conclusion(e, ended)...)
}

// plan says what is to come.
func (s *script) plan(e contract.Envelope, strategy deploy.Strategy, targets int) []Message {
	waves := strategy.Plan(targets)
	all := []Message{s.system(e, contract.AcceptedEvent{
		Kind: pickFrom(s, "deploy", "rollback"), Application: pickFrom(s, "web", "api"), Path: "/srv/web",
		Version: "v" + e.Deployment, Package: "p" + e.Deployment, Actor: "ann", Targets: targets, Waves: waves.Len(), AcceptedAt: s.now,
		Strategy: string(strategy.Kind), RetryOf: pickFrom(s, "", "", "d0"), Batch: "b0",
		Metadata: []contract.Note{{Name: "ticket", Value: "SHOP-42"}}, Origin: contract.Origin{Stage: "production", Template: "nightly", Group: "web"},
	})}
	for _, piece := range (deploy.Range{Count: targets}).Pieces() {
		planned := contract.PlannedEvent{First: piece.First}
		for i := range piece.Count {
			wave, _ := waves.Of(piece.First + i)
			planned.Targets = append(planned.Targets, contract.PlannedTarget{Host: host(piece.First + i), Name: "web ü 1", Wave: wave})
		}
		all = append(all, s.system(e, planned))
	}
	return all
}

// wave tells the jobs of one wave, says whether one of them failed, and what stops
// the deployment by now: where nothing did before, it may be cancelled among them.
func (s *script) wave(e contract.Envelope, targets deploy.Range, end *contract.ConcludedEvent) ([]Message, bool, *contract.ConcludedEvent) {
	var jobs [][]Message
	failed := false
	stopsHere := end == nil && s.pick(6) == 0
	if stopsHere {
		end = &contract.ConcludedEvent{State: "cancelled", Cause: "cancelled", Reason: "it's wrong", Actor: "bob"}
		jobs = append(jobs, s.stop(e, *end))
	}
	for i := range targets.Count {
		e.Target, e.Host = targets.First+i, host(targets.First+i)
		var job []Message
		state := unbegun(end)
		if state == "" || stopsHere && s.pick(2) == 0 {
			job, state = s.job(e, stopsHere)
		} else {
			job = []Message{s.event(e, contract.JobEndedEvent{State: string(state)})}
		}
		jobs = append(jobs, job)
		failed = failed || state == deploy.Failed
	}
	return s.mix(jobs), failed, end
}

// conclusion says how the deployment ended. One that too many hosts failed in may
// be taken back.
func (s *script) conclusion(e contract.Envelope, ended contract.ConcludedEvent) (all []Message) {
	if ended.Cause == "budget_spent" && s.pick(2) == 0 {
		ended.RolledBackBy = "r" + e.Deployment
		all = append(all, s.system(e, contract.StatusEvent{
			State: "reverting", Cause: ended.Cause, Reason: ended.Reason, RolledBackBy: ended.RolledBackBy,
		}))
	}
	return append(all, s.system(e, ended))
}

// opening is what comes between the plan and the first wave, and how that ends
// the deployment where it does.
func (s *script) opening(e contract.Envelope) (all []Message, end *contract.ConcludedEvent) {
	until := s.now.Add(time.Hour)
	switch s.pick(6) {
	case 0:
		all = []Message{s.system(e, contract.StatusEvent{State: "awaiting_approval", Until: &until})}
		if s.pick(3) == 0 {
			end = &contract.ConcludedEvent{State: "rejected", Cause: "not_approved", Reason: "nobody approved the plan in time"}
		}
	case 1:
		all = []Message{s.system(e, contract.StatusEvent{State: "scheduled", Until: &until})}
	case 2:
		all = []Message{s.system(e, contract.StatusEvent{State: "waiting", Cause: "limit"})}
	case 3:
		all = []Message{s.paused(e), s.system(e, contract.StatusEvent{State: "running"})}
	}
	return all, end
}

// before is what comes between two waves.
func (s *script) before(e contract.Envelope, kind deploy.StrategyKind) (all []Message) {
	until := s.now.Add(time.Minute)
	switch {
	case e.Wave == 0:
		return nil
	case kind == deploy.Canary && e.Wave == 1:
		if s.pick(2) == 0 {
			all = append(all, s.system(e, contract.StatusEvent{State: "analyzing", Cause: "canary", Reason: "1 of 2 measurements passed", Until: &until}))
		}
		all = append(all, s.system(e, contract.StatusEvent{State: "holding", Cause: "canary", Until: &until}))
	case s.pick(3) == 0:
		all = append(all, s.system(e, contract.StatusEvent{State: "running", Cause: "between_waves", Until: &until}))
	}
	if s.pick(4) == 0 {
		all = append(all, s.paused(e))
	}
	if len(all) > 0 {
		all = append(all, s.system(e, contract.StatusEvent{State: "running"}))
	}
	return all
}

func (s *script) paused(e contract.Envelope) Message {
	return s.system(e, contract.StatusEvent{State: "paused", Cause: "paused_by_person", Reason: "lunch", Actor: "bob"})
}

// stop says that nothing begins any more.
func (s *script) stop(e contract.Envelope, end contract.ConcludedEvent) []Message {
	return []Message{
		s.system(e, contract.StatusEvent{State: "stopping", Cause: end.Cause, Reason: end.Reason, Actor: end.Actor}),
		s.message(contract.StopSubject(e.Deployment), e, contract.StopEvent{Cause: end.Cause}),
	}
}

// unbegun is how targets end that have not begun when a deployment stops; ""
// where it does not.
func unbegun(end *contract.ConcludedEvent) deploy.State {
	switch {
	case end == nil:
		return ""
	case end.State == "cancelled":
		return deploy.Cancelled
	default:
		return deploy.Skipped
	}
}

// job tells a job that has begun. Where the deployment stops it may be cut short
// between two steps.
func (s *script) job(e contract.Envelope, stops bool) ([]Message, deploy.State) {
	var all []Message
	var final *contract.LastStep // the end of the last step, if the end of the job tells it
	attempts := 1 + s.pick(2)
	for e.Attempt = 1; e.Attempt <= attempts; e.Attempt++ {
		e.Token = uint64(1 + s.pick(1000))
		steps, numbered := deploy.KindDeploy.Steps(deploy.Work{})[:1+s.pick(4)], 0
		var said []Message
		joined := s.pick(2) == 0 // each event that a step begins with says so
		start := contract.JobStartedEvent{Executor: "executor-1"}
		if joined {
			start.Step = string(steps[0])
		}
		all = append(all, s.event(e, start))
		for i, step := range steps {
			began := s.now
			if !joined {
				all = append(all, s.event(e, contract.JobStepEvent{Step: string(step), State: string(deploy.Running), StartedAt: began}))
			}
			if s.pick(2) == 0 {
				all = append(all, s.event(e, contract.JobProgressEvent{Step: string(step), Done: int64(s.pick(100)), Total: 100}))
			}
			if s.pick(3) == 0 {
				said, numbered = s.output(e, step, numbered)
				all = append(all, said...)
			}
			ended := s.now
			end := contract.JobStepEvent{
				Step: string(step), State: string(deploy.Succeeded), StartedAt: began, EndedAt: &ended, Note: "it's done",
			}
			if joined && i+1 < len(steps) {
				end.Next = string(steps[i+1])
			}
			if joined && i+1 == len(steps) && e.Attempt == attempts {
				final = &contract.LastStep{Step: end.Step, State: end.State, StartedAt: began, EndedAt: ended, Note: end.Note}
				continue
			}
			all = append(all, s.event(e, end))
		}
	}
	last := contract.JobEndedEvent{State: string(deploy.Succeeded), Release: "v2", Previous: "v1", Changed: true}
	if s.pick(8) == 0 {
		last = contract.JobEndedEvent{State: string(deploy.Failed), Previous: "v1", Failure: &contract.Failure{
			Code: contract.FailDiskFull, Reason: "no space left on the host",
		}}
	}
	if stops && s.pick(2) == 0 {
		last = contract.JobEndedEvent{State: string(deploy.Cancelled), Previous: "v1", Note: "it was stopped before it switched"}
	}
	last.Step = final
	all = append(all, s.event(e, last))
	if s.pick(4) == 0 {
		all = append(all, s.event(e, contract.JobProgressEvent{Step: string(deploy.StepStage), Done: 1, Total: 2}))
	}
	return all, deploy.State(last.State)
}

// mix interleaves the lists and keeps the order within each.
func (s *script) mix(lists [][]Message) []Message {
	var all []Message
	for len(lists) > 0 {
		i := s.pick(len(lists))
		n := min(1+s.pick(4), len(lists[i]))
		all = append(all, lists[i][:n]...)
		if lists[i] = lists[i][n:]; len(lists[i]) == 0 {
			lists = append(lists[:i], lists[i+1:]...)
		}
	}
	return all
}

// output tells what is said in a step, after so many lines of the attempt. Some of it
// is told twice.
func (s *script) output(e contract.Envelope, step deploy.Step, before int) (all []Message, after int) {
	for range 1 + s.pick(3) {
		said := contract.JobOutputEvent{Step: string(step), First: before + 1}
		for range 1 + s.pick(90) {
			said.Lines = append(said.Lines, contract.OutputLine{Time: s.now, Stream: pickFrom(s, "stdout", "stderr"), Level: "info", Text: "it's done"})
		}
		before += len(said.Lines)
		for range 1 + s.pick(3)/2 {
			all = append(all, s.message(contract.OutputSubject(e.Deployment, e.Host), e, said))
		}
	}
	return all, before
}

func (s *script) system(e contract.Envelope, body contract.Body) Message {
	return s.message(contract.SystemEventSubject(e.Deployment), e, body)
}

func (s *script) event(e contract.Envelope, body contract.Body) Message {
	return s.message(contract.JobEventSubject(e.Deployment, e.Host), e, body)
}

func (s *script) message(subject string, e contract.Envelope, body contract.Body) Message {
	s.n++
	s.now = s.now.Add(1_234_567 * time.Nanosecond)
	e.ID, e.Time = fmt.Sprintf("m%d", s.n), s.now
	data, err := contract.Encode(e, body)
	if err != nil {
		panic(err) // the bodies above can all be encoded
	}
	return Message{Subject: subject, ID: e.ID, Data: data}
}

func host(target int) string { return fmt.Sprintf("h%04d", target) }

func pickFrom[T any](s *script, choices ...T) T { return choices[s.pick(len(choices))] }
