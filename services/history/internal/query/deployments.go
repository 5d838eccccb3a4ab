package query

import (
	"context"
	"fmt"
	"slices"

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
	if err := checkPage(q.Limit, deploy.State(q.State), deploymentStates); err != nil {
		return nil, err
	}
	if q.Before != "" && !contract.ValidToken(q.Before) {
		return nil, fmt.Errorf("%w: before: %q is no id of a deployment", errInvalid, q.Before)
	}
	headers, err := s.docs.List(ctx, Page{
		Before: q.Before, Application: q.Application, State: deploy.State(q.State), Limit: q.Limit + 1,
	})
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
		return h, fmt.Errorf("%w: deployment %s", errNotFound, id)
	}
	return h, nil
}

func checkPage(limit int, state deploy.State, states []deploy.State) error {
	if limit < 1 || limit > maxLimit {
		return fmt.Errorf("%w: limit: must be 1 to %d, not %d", errInvalid, maxLimit, limit)
	}
	if state != "" && !slices.Contains(states, state) {
		return fmt.Errorf("%w: state: %q is none of %v", errInvalid, state, states)
	}
	return nil
}
