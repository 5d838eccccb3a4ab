package foldtest

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Fleet returns the messages of deployments that succeed on so many hosts each, as
// executors tell them that have work for atOnce hosts: these go on side by side, and
// one begins as another ends. A host takes five events.
func Fleet(deployments, hosts, atOnce int) []Message {
	s := &script{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var all []Message
	together := max(atOnce/hosts, 1) // deployments
	for first := 0; first < deployments; first += together {
		s.now = s.now.Add(time.Duration(together) * 10 * time.Minute) // what is busier shares its days with more
		var opening, jobs, ending [][]Message
		for d := first; d < min(first+together, deployments); d++ {
			e := contract.Envelope{Deployment: fmt.Sprintf("f%019d", d)}
			opening = append(opening, s.opened(e, hosts))
			for h := range hosts {
				e.Target, e.Host, e.Attempt = h, host(h), 1
				jobs = append(jobs, s.shipped(e))
			}
			e = contract.Envelope{Deployment: e.Deployment}
			ending = append(ending, []Message{s.system(e, contract.ConcludedEvent{State: string(deploy.Succeeded)})})
		}
		all = append(all, sideBySide(opening, len(opening))...)
		all = append(all, sideBySide(jobs, atOnce)...)
		all = append(all, sideBySide(ending, len(ending))...)
	}
	return all
}

func (s *script) opened(e contract.Envelope, hosts int) []Message {
	all := []Message{s.system(e, contract.AcceptedEvent{
		Kind: "deploy", Application: "web", Path: "/srv/web", Version: "v" + e.Deployment, Actor: "ann", Targets: hosts, Waves: 1, AcceptedAt: s.now,
	})}
	for _, piece := range (deploy.Range{Count: hosts}).Pieces() {
		planned := contract.PlannedEvent{First: piece.First}
		for i := range piece.Count {
			planned.Targets = append(planned.Targets, contract.PlannedTarget{Host: host(piece.First + i), Name: fmt.Sprint("web-", piece.First+i)})
		}
		all = append(all, s.system(e, planned))
	}
	return append(all, s.system(e, contract.WaveEvent{}))
}

// shipped tells of one host.
func (s *script) shipped(e contract.Envelope) []Message {
	step := func(done, next deploy.Step) Message {
		at := s.now
		return s.event(e, contract.JobStepEvent{Step: string(done), State: "succeeded", StartedAt: at, EndedAt: &at, Next: string(next)})
	}
	return []Message{
		s.event(e, contract.JobStartedEvent{Executor: "x1", Step: string(deploy.StepConnect)}),
		step(deploy.StepConnect, deploy.StepStage), step(deploy.StepStage, deploy.StepSwitch), step(deploy.StepSwitch, deploy.StepClean),
		s.event(e, contract.JobEndedEvent{State: "succeeded", Release: "v" + e.Deployment, Previous: "v0", Changed: true}),
	}
}

// sideBySide takes one message of each of the first stories in turn; when a story
// ends, the next begins.
func sideBySide(stories [][]Message, atOnce int) []Message {
	var all []Message
	for len(stories) > 0 {
		for i := 0; i < min(atOnce, len(stories)); i++ {
			all = append(all, stories[i][0])
			stories[i] = stories[i][1:]
		}
		left := stories[:0]
		for _, story := range stories {
			if len(story) > 0 {
				left = append(left, story)
			}
		}
		stories = left
	}
	return all
}
