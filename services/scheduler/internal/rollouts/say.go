package rollouts

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// The events of a deployment as a whole have an order that follows from its
// plan, and each has an ordinal in it. The ordinal stands in the message id, so
// that a repeat, by whichever replica, finds how far the deployment has been
// told and adds each event once.
const acceptedOrdinal = 0

func plannedOrdinal(piece int) int { return 1 + piece }

func waveOrdinal(o order, wave int) int { return 1 + o.rollout.Snapshot.Pieces + wave }

func concludedOrdinal(o order, r deploy.Rollout) int { return waveOrdinal(o, r.Waves.Len()) }

// say appends an event about the deployment as a whole, unless it, or a later
// one, is stored already.
func (s *Scheduler) say(ctx context.Context, o order, wave, ordinal int, body contract.Body) error {
	subject := contract.SystemEventSubject(o.Deployment)
	id := o.Deployment + ".sys." + strconv.Itoa(ordinal)
	data, err := contract.Encode(contract.Envelope{
		ID: id, Deployment: o.Deployment, Project: o.Project, Traceparent: o.Traceparent, Wave: wave,
	}, body)
	if err != nil {
		return err
	}
	for {
		last, err := s.bus.Last(ctx, contract.StreamEvents, subject)
		if err != nil && !errors.Is(err, bus.ErrNone) {
			return fmt.Errorf("read last event: %w", err)
		}
		if err == nil && ordinalOf(last.ID) >= ordinal {
			return nil
		}
		_, err = s.bus.Append(ctx, contract.StreamEvents, subject, last.Seq, id, data)
		if !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
}

// ordinalOf reads the ordinal out of a message id of say.
func ordinalOf(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndexByte(id, '.')+1:])
	if err != nil {
		return -1
	}
	return n
}
