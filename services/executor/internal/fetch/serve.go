package fetch

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
)

const (
	resolveTimeout = 45 * time.Second // for one repository to answer; a gateway waits a little longer
	resolvesAtOnce = 8                // each is a process of git's, and of ssh's
)

// Endpoints answer questions for commits in these zones. Replicas share them.
func (f *Fetcher) Endpoints(zones []string, log zerolog.Logger) []bus.Endpoint {
	r := &resolver{fetcher: f, turns: make(chan struct{}, resolvesAtOnce)}
	var endpoints []bus.Endpoint
	for _, zone := range zones {
		endpoints = append(endpoints, bus.Endpoint{Name: "source-" + zone, Subject: contract.SourceSubject(zone), Answer: func(ctx context.Context, q bus.Request) {
			if err := q.Reply(contract.Envelope{}, r.answer(ctx, q.Data)); err != nil {
				log.Warn().Err(err).Msg("question for a commit not answered")
			}
		}})
	}
	return endpoints
}

type resolver struct {
	fetcher *Fetcher
	turns   chan struct{}
}

func (r *resolver) answer(ctx context.Context, raw []byte) contract.Body {
	m, err := contract.Decode(raw)
	if err != nil {
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	ask, ok := m.Body.(contract.ResolveRef)
	if !ok {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "no question for a commit"}
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return contract.Refused{Code: contract.RefusedUnavailable, Message: "too many are asked for at once"}
	}
	commit, err := r.fetcher.Resolve(ctx, ask)
	if err != nil {
		return contract.ResolvedRef{Failure: failure.Explain(err)}
	}
	return contract.ResolvedRef{Commit: commit}
}
