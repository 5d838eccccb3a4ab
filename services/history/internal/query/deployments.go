package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const maxLimit = 500

var (
	deploymentStates = deploy.OfDeployment.States()
	targetStates     = deploy.OfTarget.States()
)

func (s *Server) deployment(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.GetDeployment)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	h, err := s.header(ctx, question.Deployment)
	if err != nil {
		return nil, err
	}
	return fromHeader(h), nil
}

func (s *Server) deployments(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.ListDeployments)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	page, err := s.page(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, q.MinSeq); err != nil {
		return nil, err
	}
	page.Limit = q.Limit + 1
	headers, err := s.docs.List(ctx, page)
	if err != nil {
		return nil, err
	}
	found := contract.Deployments{Deployments: []contract.Deployment{}}
	free := s.room()
	for i, h := range headers {
		row := fromHeader(h)
		if i == q.Limit || !free.take(row, i == 0) {
			found.More = true
			break
		}
		found.Deployments = append(found.Deployments, row)
	}
	return found, nil
}

// page converts what is asked for, or says what is wrong with it.
func (s *Server) page(ctx context.Context, q contract.ListDeployments) (Page, error) {
	p := Page{
		Application: q.Application, Project: q.Project, State: deploy.State(q.State), Actor: q.Actor, Batch: q.Batch, Stage: q.Stage, Template: q.Template,
		Metadata: toNotes(q.Metadata), Server: q.Server, Words: Words(q.Text), From: orZero(q.From), To: orZero(q.To),
	}
	if err := checkPage(q.Limit, p.State, deploymentStates); err != nil {
		return p, err
	}
	switch q.Order {
	case "", contract.OrderNewest:
	case contract.OrderOldest:
		p.OldestFirst = true
	default:
		return p, fmt.Errorf("%w: order: %q is neither newest nor oldest", errInvalid, q.Order)
	}
	switch {
	case q.After != nil:
		p.After = Place{AcceptedAt: q.After.AcceptedAt.Truncate(time.Millisecond), ID: q.After.ID}
	case q.Before != "" && !contract.ValidToken(q.Before):
		return p, fmt.Errorf("%w: before: %q is no id of a deployment", errInvalid, q.Before)
	case q.Before != "": // of a gateway that does not know After yet
		h, err := s.header(ctx, q.Before)
		p.After = PlaceOf(h)
		return p, err
	}
	return p, nil
}

// header returns a deployment that is known from its beginning.
func (s *Server) header(ctx context.Context, id string) (deploy.Header, error) {
	if !contract.ValidToken(id) {
		return deploy.Header{}, fmt.Errorf("%w: %q is no id of a deployment", errInvalid, id)
	}
	headers, err := s.docs.Headers(ctx, []string{id})
	if err != nil {
		return deploy.Header{}, err
	}
	h := headers[id]
	if h.State == "" {
		return h, s.missing(ctx, id)
	}
	return h, nil
}

// missing says what became of a deployment that is not there.
func (s *Server) missing(ctx context.Context, id string) error {
	archived, err := s.docs.Archived(ctx, []string{id})
	if err != nil {
		return err
	}
	if a, ok := archived[id]; ok {
		return fmt.Errorf("%w: deployment %s went to the archive on %s, as %s; slipway-history restore brings it back",
			errArchived, id, a.At.UTC().Format(time.DateOnly), a.File)
	}
	return fmt.Errorf("%w: deployment %s", errNotFound, id)
}

func checkPage(limit int, state deploy.State, states []deploy.State) error {
	if err := checkLimit(limit); err != nil {
		return err
	}
	if state != "" && !slices.Contains(states, state) {
		return fmt.Errorf("%w: state: %q is none of %v", errInvalid, state, states)
	}
	return nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > maxLimit {
		return fmt.Errorf("%w: limit: must be 1 to %d, not %d", errInvalid, maxLimit, limit)
	}
	return nil
}
