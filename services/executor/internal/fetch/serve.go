package fetch

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
)

const (
	resolveTimeout = 45 * time.Second // for one repository to answer; a gateway waits a little longer
	resolvesAtOnce = 8                // each is a process of git's, and of ssh's
)

// Serve answers questions for commits in these zones until stop is called, which
// waits for those under way. Replicas share them.
func (f *Fetcher) Serve(ctx context.Context, nc *nats.Conn, zones []string, log zerolog.Logger) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &resolver{ctx: ctx, nc: nc, fetcher: f, log: log, turns: make(chan struct{}, resolvesAtOnce)}
	service, err := micro.AddService(nc, micro.Config{
		Name: "slipway-executor-sources", Version: "1.0.0", Description: "finds commits of git repositories",
	})
	for _, zone := range zones {
		if err == nil {
			err = service.AddEndpoint("source-"+zone, micro.HandlerFunc(r.handle), micro.WithEndpointSubject(contract.SourceSubject(zone)))
		}
	}
	stop = func() {
		if service != nil {
			_ = service.Stop() // fails only if the connection is gone already
		}
		r.all.Close()
		cancel()
		r.all.Wait()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("register executor: %w", err)
	}
	return stop, nil
}

type resolver struct {
	ctx     context.Context //nolint:containedctx // the handlers of micro are given none
	nc      *nats.Conn
	fetcher *Fetcher
	log     zerolog.Logger
	turns   chan struct{}
	all     bus.Answering
}

func (r *resolver) handle(req micro.Request) {
	r.all.Go(func() {
		answer, err := contract.Encode(contract.Envelope{}, r.answer(req.Data()))
		if err == nil {
			err = bus.Answer(r.nc, req, answer)
		}
		if err != nil {
			r.log.Warn().Err(err).Msg("question for a commit not answered")
		}
	})
}

func (r *resolver) answer(raw []byte) contract.Body {
	m, err := contract.Decode(raw)
	if err != nil {
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	ask, ok := m.Body.(contract.ResolveRef)
	if !ok {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "no question for a commit"}
	}
	ctx, cancel := context.WithTimeout(r.ctx, resolveTimeout)
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
