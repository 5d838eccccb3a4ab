package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/telemetry"
)

const (
	// atOnce bounds the questions that are answered, or wait, at the same time.
	atOnce = 64
	// patience is how long a question waits for the event that it must have seen.
	patience = 5 * time.Second
	// answerTimeout bounds a question as a whole.
	answerTimeout = 10 * time.Second
)

// Server answers questions.
type Server struct {
	nc       *nats.Conn
	docs     Documents
	position *fold.Position
	seen     *telemetry.Telemetry
	log      zerolog.Logger
	slots    chan struct{} // one for each question that is being answered
}

// Serve answers questions on the connection until ctx ends, and returns when the
// last one is answered. It calls answering when it has begun, with what history is
// to say that it is ready by.
func Serve(ctx context.Context, nc *nats.Conn, docs Documents, position *fold.Position, seen *telemetry.Telemetry, log zerolog.Logger, answering func(*bus.Replica)) error {
	s := &Server{nc: nc, docs: docs, position: position, seen: seen, log: log, slots: make(chan struct{}, atOnce)}
	replica, err := bus.Serve(ctx, nc, bus.About{Name: "slipway-history", Description: "deployments as they stand and stood"},
		bus.Endpoint{Name: "deployment", Subject: contract.QueryDeployment, Answer: s.with("deployment", s.deployment)},
		bus.Endpoint{Name: "deployments", Subject: contract.QueryDeployments, Answer: s.with("deployments", s.deployments)},
		bus.Endpoint{Name: "targets", Subject: contract.QueryTargets, Answer: s.with("targets", s.targets)},
		bus.Endpoint{Name: "output", Subject: contract.QueryOutput, Answer: s.with("output", s.output)},
		bus.Endpoint{Name: "running", Subject: contract.QueryRunning, Answer: s.with("running", s.running)},
		bus.Endpoint{Name: "statistics", Subject: contract.QueryStatistics, Answer: s.with("statistics", s.statistics)},
		bus.Endpoint{Name: "history", Subject: contract.QueryHistory, Answer: s.with("history", s.progress)},
	)
	if err != nil {
		return err
	}
	defer replica.Stop()
	answering(replica)
	<-ctx.Done()
	return nil
}

// answer gives the answer to a question.
type answer func(ctx context.Context, question contract.Message) (contract.Body, error)

func (s *Server) with(name string, a answer) func(context.Context, bus.Request) {
	return func(ctx context.Context, q bus.Request) {
		began, outcome := time.Now(), outcomeRefused
		defer func() {
			s.seen.Queries.WithLabelValues(name, outcome).Inc()
			s.seen.QueryTimes.WithLabelValues(name).Observe(time.Since(began).Seconds())
		}()
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			s.respond(q, contract.Envelope{}, refuse(errBusy))
			return
		}
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		question, err := contract.Decode(q.Data)
		if err != nil {
			s.respond(q, contract.Envelope{}, refuse(fmt.Errorf("%w: %w", errInvalid, err)))
			return
		}
		ctx, span := s.seen.Span(observe.Continue(ctx, question.Traceparent), observe.Answers, name, observe.Deployment(question.Deployment))
		defer span.End("")
		body, err := a(ctx, question)
		if err != nil {
			s.log.Debug().Err(err).Str("question", string(question.Type)).Str("deployment", question.Deployment).Msg("refused")
			body = refuse(err)
		} else {
			outcome = outcomeAnswered
		}
		if !s.respond(q, contract.Envelope{Deployment: question.Deployment, Traceparent: question.Traceparent}, body) {
			outcome = outcomeLost
		}
	}
}

// What comes of questions, as it is counted.
const (
	outcomeAnswered = "answered"
	outcomeRefused  = "refused"
	outcomeLost     = "lost"
)

func (s *Server) respond(q bus.Request, e contract.Envelope, body contract.Body) (sent bool) {
	err := q.Reply(e, body)
	if err != nil {
		s.log.Debug().Err(err).Str("deployment", e.Deployment).Msg("an answer could not be sent")
	}
	return err == nil
}

// await waits until the documents hold the event of this sequence.
func (s *Server) await(ctx context.Context, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.position.Wait(ctx, seq); err != nil {
		return fmt.Errorf("%w: it stands at %d, not yet at %d", errBehind, s.position.Seq(), seq)
	}
	return nil
}

func refuse(err error) contract.Refused {
	var blamed fieldError
	switch {
	case errors.As(err, &blamed):
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error(), Field: blamed.field}
	case errors.Is(err, errInvalid):
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	case errors.Is(err, errNotFound):
		return contract.Refused{Code: contract.RefusedNotFound, Message: err.Error()}
	case errors.Is(err, errArchived):
		return contract.Refused{Code: contract.RefusedArchived, Message: strings.TrimPrefix(err.Error(), errArchived.Error()+": ")}
	case errors.Is(err, errBehind), errors.Is(err, errBusy):
		return contract.Refused{Code: contract.RefusedUnavailable, Message: err.Error()}
	default: // of the store: its text is for the log
		return contract.Refused{Code: contract.RefusedUnavailable, Message: "the store of deployments does not answer"}
	}
}

// room is what an answer has for rows, in bytes.
type room struct{ left int }

// room returns what the broker takes in one message, less what is around rows.
func (s *Server) room() room { return room{int(s.nc.MaxPayload()) * 3 / 4} }

// take says whether the row fits. The first one always does.
func (r *room) take(row any, first bool) bool {
	data, err := json.Marshal(row)
	r.left -= len(data) + 1
	return first || err == nil && r.left >= 0
}
