package query

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

func (s *Server) targets(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.ListTargets)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if err := checkPage(q.Limit, deploy.State(q.State), targetStates); err != nil {
		return nil, err
	}
	if q.First < 0 {
		return nil, fmt.Errorf("%w: first: must not be negative", errInvalid)
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	h, err := s.header(ctx, question.Deployment)
	if err != nil {
		return nil, err
	}
	p := targetPage{limit: q.Limit, first: q.First, state: deploy.State(q.State), free: s.room()}
	p.answer.Targets = []contract.TargetStatus{}
	for i := q.First / deploy.PieceSize; i*deploy.PieceSize < h.Targets; i++ {
		if !mayHold(h, i, p.state) {
			continue
		}
		key := fold.BucketKey{Deployment: h.ID, Index: i}
		found, err := s.docs.Buckets(ctx, []fold.BucketKey{key})
		if err != nil {
			return nil, err
		}
		if p.add(found[key], i*deploy.PieceSize) {
			break
		}
	}
	return p.answer, nil
}

// mayHold says whether the bucket may hold a target in this state, which spares
// reading it where it does not.
func mayHold(h deploy.Header, bucket int, state deploy.State) bool {
	if bucket >= len(h.Counts) {
		return false // not planned yet
	}
	c := h.Counts[bucket]
	switch state {
	case deploy.Pending:
		return c.Pending > 0
	case deploy.Running:
		return c.Running > 0
	case deploy.Succeeded:
		return c.Succeeded > 0
	case deploy.Failed:
		return c.Failed > 0
	case deploy.Skipped:
		return c.Skipped > 0
	case deploy.Cancelled:
		return c.Cancelled > 0
	default:
		return true
	}
}

// targetPage is an answer that is being filled.
type targetPage struct {
	limit, first int
	state        deploy.State
	free         room
	answer       contract.Targets
}

// add takes in the targets of a bucket whose first has this ordinal, and says
// whether the page is full: then Next is the first that did not fit.
func (p *targetPage) add(b deploy.Bucket, offset int) (full bool) {
	for i, t := range b.Targets {
		ordinal := offset + i
		unknown := t.Host == "" // its place is kept, its plan has not come
		if ordinal < p.first || unknown || p.state != "" && t.State != p.state {
			continue
		}
		row := fromTarget(ordinal, t)
		if len(p.answer.Targets) == p.limit || !p.free.take(row, len(p.answer.Targets) == 0) {
			p.answer.Next = ordinal
			return true
		}
		p.answer.Targets = append(p.answer.Targets, row)
	}
	return false
}
