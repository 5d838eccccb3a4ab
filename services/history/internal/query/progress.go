package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// maxAside is how much of what was set aside one answer tells.
const maxAside = 100

// progress says how far the documents are, whichever replica folds.
func (s *Server) progress(ctx context.Context, question contract.Message) (contract.Body, error) {
	q, ok := question.Body.(contract.GetHistory)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not asked here", errInvalid, question.Type)
	}
	if q.Limit < 0 || q.Limit > maxAside {
		return nil, fmt.Errorf("%w: limit: must be 0 to %d, not %d", errInvalid, maxAside, q.Limit)
	}
	at, err := s.docs.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	answer := contract.History{Holder: at.Holder, Newest: []contract.Aside{}}
	stream, err := s.events(ctx)
	if err != nil {
		return nil, err
	}
	info := stream.CachedInfo()
	answer.Last = info.State.LastSeq
	if at.Installation == info.Config.Metadata[contract.MetadataInstallation] {
		answer.Seq = max(at.Seq, s.position.Seq())
	}
	if answer.Seq < answer.Last {
		first, err := stream.GetMsg(ctx, max(answer.Seq+1, info.State.FirstSeq))
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, fmt.Errorf("the first event that waits: %w", err)
		}
		if err == nil {
			answer.Waiting = optional(first.Time.UTC())
		}
	}
	aside, newest, err := s.docs.Aside(ctx, q.Limit)
	if err != nil {
		return nil, err
	}
	answer.Aside = aside
	for _, r := range newest {
		answer.Newest = append(answer.Newest, contract.Aside{Seq: r.Seq, Subject: r.Subject, Reason: r.Reason, At: optional(r.At)})
	}
	return answer, nil
}

// events looks at the stream as it is now.
func (s *Server) events(ctx context.Context) (jetstream.Stream, error) {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return nil, err
	}
	stream, err := js.Stream(ctx, contract.StreamEvents)
	if err != nil {
		return nil, fmt.Errorf("look at the event stream: %w", err)
	}
	return stream, nil
}
