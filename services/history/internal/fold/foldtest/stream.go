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
// each, mixed. Each deployment is told from its beginning to its end: jobs are
// tried again, fail and are skipped, and some progress comes too late.
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

func (s *script) deployment(id string, targets int) []Message {
	waveSize := pickFrom(s, 0, 1+targets/2)
	waves := deploy.Plan(targets, waveSize)
	e := contract.Envelope{Deployment: id, Project: "shop"}
	all := []Message{s.system(e, contract.AcceptedEvent{
		Kind: pickFrom(s, "deploy", "rollback"), Application: pickFrom(s, "web", "api"), Path: "/srv/web",
		Version: "v" + id, Package: "p" + id, Actor: "ann", Targets: targets, Waves: waves.Len(), AcceptedAt: s.now,
	})}
	for _, piece := range (deploy.Range{Count: targets}).Pieces() {
		planned := contract.PlannedEvent{First: piece.First}
		for i := range piece.Count {
			wave, _ := waves.Of(piece.First + i)
			planned.Targets = append(planned.Targets, contract.PlannedTarget{Host: host(piece.First + i), Name: "web ü 1", Wave: wave})
		}
		all = append(all, s.system(e, planned))
	}
	state, stop := deploy.Succeeded, false
	for w := range waves.Len() {
		wave := waves.At(w)
		e.Wave = w
		var jobs [][]Message
		for i := range wave.Count {
			e.Target, e.Host = wave.First+i, host(wave.First+i)
			job, ended := s.job(e, stop)
			jobs = append(jobs, job)
			if ended != deploy.Succeeded {
				state = deploy.Failed
			}
		}
		stop = state == deploy.Failed
		e.Target, e.Host = 0, ""
		all = append(all, s.system(e, contract.WaveEvent{}))
		all = append(all, s.mix(jobs)...)
	}
	return append(all, s.system(e, contract.ConcludedEvent{State: string(state)}))
}

func (s *script) job(e contract.Envelope, skip bool) ([]Message, deploy.State) {
	if skip {
		return []Message{s.event(e, contract.JobEndedEvent{State: string(deploy.Skipped)})}, deploy.Skipped
	}
	var all []Message
	attempts := 1 + s.pick(2)
	for e.Attempt = 1; e.Attempt <= attempts; e.Attempt++ {
		e.Token = uint64(1 + s.pick(1000))
		all = append(all, s.event(e, contract.JobStartedEvent{Executor: "executor-1"}))
		for _, step := range deploy.KindDeploy.Steps()[:1+s.pick(4)] {
			began := s.now
			all = append(all, s.event(e, contract.JobStepEvent{Step: string(step), State: string(deploy.Running), StartedAt: began}))
			if s.pick(2) == 0 {
				all = append(all, s.event(e, contract.JobProgressEvent{Step: string(step), Done: int64(s.pick(100)), Total: 100}))
			}
			ended := s.now
			all = append(all, s.event(e, contract.JobStepEvent{
				Step: string(step), State: string(deploy.Succeeded), StartedAt: began, EndedAt: &ended, Note: "it's done",
			}))
		}
	}
	last := contract.JobEndedEvent{State: string(deploy.Succeeded), Release: "v2", Previous: "v1", Changed: true}
	if s.pick(8) == 0 {
		last = contract.JobEndedEvent{State: string(deploy.Failed), Previous: "v1", Failure: &contract.Failure{
			Code: contract.FailDiskFull, Reason: "no space left on the host",
		}}
	}
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
