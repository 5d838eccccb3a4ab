package query

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// partsAtOnce is how many documents of what runs where are read together.
const partsAtOnce = deploy.Parts

func (s *Server) running(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.ListRunning)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	p := runningPage{asked: q, free: s.room()}
	p.answer.Items = []contract.Placement{}
	next := RunningPage{Application: q.Application, Server: q.Server, Limit: partsAtOnce}
	if q.After != nil {
		next.From = fold.PartKey{Application: q.After.Application, Part: q.After.Part}
	}
	for {
		docs, err := s.docs.Running(ctx, next)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			all, err := s.at(ctx, doc, orZero(q.At))
			if err != nil {
				return nil, err
			}
			if p.add(doc, all) {
				return p.answer, nil
			}
		}
		if len(docs) < partsAtOnce {
			return p.answer, nil
		}
		last := docs[len(docs)-1]
		next.From = fold.PartKey{Application: last.Application, Part: last.Part + 1}
	}
}

// at returns what ran at this time where something runs now; zero: what runs now.
func (s *Server) at(ctx context.Context, doc deploy.Placements, at time.Time) ([]deploy.Placement, error) {
	if at.IsZero() {
		return doc.All, nil
	}
	then := deploy.Then{Now: doc.All, At: at}
	if then.Known() {
		return then.All(), nil
	}
	err := s.docs.Departed(ctx, fold.PartKey{Application: doc.Application, Part: doc.Part}, deploy.DayOf(at), func(d deploy.Departures) bool {
		then.Add(d)
		return !then.Known()
	})
	return then.All(), err
}

// runningPage is an answer that is being filled.
type runningPage struct {
	asked  contract.ListRunning
	free   room
	answer contract.Running
}

// add takes in what a document says runs, and says whether the page is full: then
// Next is the last that fitted.
func (p *runningPage) add(doc deploy.Placements, all []deploy.Placement) (full bool) {
	for _, one := range all {
		place := contract.RunningPlace{Application: doc.Application, Part: doc.Part, Host: one.Host, Path: one.Path}
		if p.asked.Server != "" && one.Host != p.asked.Server || p.asked.After != nil && !after(place, *p.asked.After) {
			continue
		}
		row := contract.Placement{
			Application: doc.Application, Host: one.Host, Name: one.Name, Path: one.Path, Version: one.Version,
			Deployment: one.Deployment, Since: one.Since, Until: optional(one.Until),
		}
		if n := len(p.answer.Items); n == p.asked.Limit || !p.free.take(row, n == 0) {
			last := p.answer.Items[n-1]
			p.answer.Next = &contract.RunningPlace{
				Application: last.Application, Part: deploy.PartOf(last.Host), Host: last.Host, Path: last.Path,
			}
			return true
		}
		p.answer.Items = append(p.answer.Items, row)
	}
	return false
}

func after(a, b contract.RunningPlace) bool {
	return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Part, b.Part),
		cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path)) > 0
}
