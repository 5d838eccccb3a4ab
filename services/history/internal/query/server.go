package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

const (
	serviceName    = "slipway-history"
	serviceVersion = "1.0.0" // of the questions: contract.Version

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
	log      zerolog.Logger
	slots    chan struct{} // one for each question that is being answered
}

// Serve answers questions on the connection until ctx ends, and returns when the
// last one is answered. It calls ready when it has begun.
func Serve(ctx context.Context, nc *nats.Conn, docs Documents, position *fold.Position, log zerolog.Logger, ready func()) error {
	s := &Server{nc: nc, docs: docs, position: position, log: log, slots: make(chan struct{}, atOnce)}
	service, err := micro.AddService(nc, micro.Config{
		Name: serviceName, Version: serviceVersion, Description: "deployments as they stand and stood",
	})
	if err != nil {
		return fmt.Errorf("answer questions: %w", err)
	}
	defer func() {
		_ = service.Stop() // it fails on a closed connection, where nobody asks any more
		for range atOnce { // every slot taken: nothing is being answered, and nothing will be
			s.slots <- struct{}{}
		}
	}()
	for _, e := range []struct {
		name, subject string
		answer        answer
	}{
		{"deployment", contract.QueryDeployment, s.deployment},
		{"deployments", contract.QueryDeployments, s.deployments},
		{"targets", contract.QueryTargets, s.targets},
	} {
		if err := service.AddEndpoint(e.name, s.handler(ctx, e.answer), micro.WithEndpointSubject(e.subject)); err != nil {
			return fmt.Errorf("answer questions on %s: %w", e.subject, err)
		}
	}
	ready()
	<-ctx.Done()
	return nil
}

// answer gives the answer to a question.
type answer func(ctx context.Context, question contract.Message) (contract.Body, error)

// handler answers each question in a goroutine of its own: one that waits for an
// event must not hold up the others.
func (s *Server) handler(ctx context.Context, a answer) micro.HandlerFunc {
	return func(r micro.Request) {
		select {
		case s.slots <- struct{}{}:
		default:
			s.respond(r, contract.Envelope{}, refuse(errBusy))
			return
		}
		go func() {
			defer func() { <-s.slots }()
			ctx, cancel := context.WithTimeout(ctx, answerTimeout)
			defer cancel()
			question, err := contract.Decode(r.Data())
			if err != nil {
				s.respond(r, contract.Envelope{}, refuse(fmt.Errorf("%w: %w", errInvalid, err)))
				return
			}
			body, err := a(ctx, question)
			if err != nil {
				s.log.Debug().Err(err).Str("question", string(question.Type)).Msg("refused")
				body = refuse(err)
			}
			s.respond(r, contract.Envelope{Deployment: question.Deployment, Traceparent: question.Traceparent}, body)
		}()
	}
}

func (s *Server) respond(r micro.Request, e contract.Envelope, body contract.Body) {
	data, err := contract.Encode(e, body)
	if err == nil {
		err = bus.Answer(s.nc, r, data)
	}
	if err != nil {
		s.log.Debug().Err(err).Msg("an answer could not be sent")
	}
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
	switch {
	case errors.Is(err, errInvalid):
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	case errors.Is(err, errNotFound):
		return contract.Refused{Code: contract.RefusedNotFound, Message: err.Error()}
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
