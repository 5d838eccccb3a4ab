package rollouts

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// The events of a deployment as a whole have an order: first those of its plan,
// then those of each turn of its record. Each has an ordinal in that order, which
// stands in the message id, so that a repeat, by whichever replica, finds how far
// the deployment has been told and adds each event once.
const (
	acceptedOrdinal = 0
	perTurn         = 2 // what may be said in one turn
)

func plannedOrdinal(piece int) int { return 1 + piece }

func turnOrdinal(o order, r deploy.Rollout, n int) int {
	return 1 + o.rollout.Snapshot.Pieces + perTurn*r.Turn + n
}

// tell says where a deployment stands that has not ended, and sees to it that it
// is looked at again when what it waits for is due.
func (s *Scheduler) tell(ctx context.Context, o order, r deploy.Rollout) error {
	status := r.Status()
	var body contract.Body = contract.StatusEvent{
		State: string(status.State), Cause: string(status.Cause), Reason: status.Reason, Actor: status.By, Until: orNil(status.Until),
		RolledBackBy: status.Revert,
	}
	if r.Opens() && status == (deploy.Status{State: deploy.Running}) {
		body = contract.WaveEvent{} // which says that it runs
	}
	if err := s.say(ctx, o, r.Wave, turnOrdinal(o, r, 0), body); err != nil {
		return err
	}
	if _, measured := r.Measures(clock()); measured {
		return nil // now; should that be lost, the sweep asks again
	}
	if wake := r.Wake(); !wake.IsZero() {
		if soonest := time.Now().Add(leastWait); wake.Before(soonest) {
			wake = soonest // clocks differ: what is not due yet must not be asked for without a pause
		}
		return s.bus.SetTimer(ctx, o.Deployment, wake)
	}
	return nil
}

// leastWait is the shortest time until a deployment is looked at again.
const leastWait = 100 * time.Millisecond

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

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
