package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// journal is the chain of events of one attempt. Each event is stored only if
// the one before it is still the last on its subject, so that an attempt that
// was superseded learns it at its next word (errSuperseded) and says no more.
type journal struct {
	bus      *bus.Bus
	envelope contract.Envelope
	subject  string

	mu     sync.Mutex
	last   uint64
	unsure []string // ids of events after last of which it is not known whether they are stored
}

// position is where the story of a deployment on a host stands.
type position struct {
	seq     uint64
	attempt int
	ended   bool
}

// read returns the last thing that was said of the job.
func read(ctx context.Context, b *bus.Bus, deployment, host string) (position, error) {
	last, err := b.Last(ctx, contract.StreamEvents, contract.JobEventSubject(deployment, host))
	if errors.Is(err, bus.ErrNone) {
		return position{}, nil
	}
	if err != nil {
		return position{}, fmt.Errorf("read last event: %w", err)
	}
	m, err := contract.Decode(last.Data)
	if err != nil {
		return position{}, fmt.Errorf("last event: %w", err)
	}
	_, ended := m.Body.(contract.JobEndedEvent)
	return position{seq: last.Seq, attempt: m.Attempt, ended: ended}, nil
}

// after returns the journal of the attempt that follows this position. Nothing
// is said yet, and it has no token.
func after(b *bus.Bus, job contract.Message, at position) *journal {
	return &journal{
		bus: b, last: at.seq,
		subject: contract.JobEventSubject(job.Deployment, job.Host),
		envelope: contract.Envelope{
			Deployment: job.Deployment, Project: job.Project, Host: job.Host, Target: job.Target,
			Wave: job.Wave, Attempt: at.attempt + 1, Traceparent: job.Traceparent,
		},
	}
}

// open begins an attempt after this position. The sequence of its first event
// is the fencing token of everything that follows.
func open(ctx context.Context, b *bus.Bus, job contract.Message, at position, executor string) (*journal, error) {
	j := after(b, job, at)
	if err := j.append(ctx, contract.JobStartedEvent{Executor: executor}); err != nil {
		return nil, err
	}
	j.envelope.Token = j.last
	return j, nil
}

// Token is the fencing token of the attempt.
func (j *journal) Token() uint64 { return j.envelope.Token }

// append stores an event as the next of the chain.
func (j *journal) append(ctx context.Context, body contract.Body) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.envelope
	e.ID = xid.New().String()
	data, err := contract.Encode(e, body)
	if err != nil {
		return err
	}
	seq, err := j.bus.Append(ctx, contract.StreamEvents, j.subject, j.last, e.ID, data)
	if errors.Is(err, bus.ErrConflict) && j.resume(ctx) {
		seq, err = j.bus.Append(ctx, contract.StreamEvents, j.subject, j.last, e.ID, data)
	}
	switch {
	case errors.Is(err, bus.ErrConflict):
		return fmt.Errorf("%w: %w", errSuperseded, err)
	case err != nil:
		j.unsure = append(j.unsure, e.ID)
		return err
	}
	j.last, j.unsure = seq, nil
	return nil
}

// resume finds the end of the chain again where the last word is one of this
// attempt's own, whose answer it did not wait for or did not get.
func (j *journal) resume(ctx context.Context) bool {
	if len(j.unsure) == 0 {
		return false
	}
	last, err := j.bus.Last(ctx, contract.StreamEvents, j.subject)
	if err != nil || !slices.Contains(j.unsure, last.ID) {
		return false
	}
	j.last, j.unsure = last.Seq, nil
	return true
}

func (j *journal) stepBegan(ctx context.Context, step deploy.Step, at time.Time) error {
	return j.append(ctx, contract.JobStepEvent{Step: string(step), State: string(deploy.Running), StartedAt: at})
}

func (j *journal) stepEnded(ctx context.Context, step deploy.Step, began time.Time, state deploy.State, note string, failure *contract.Failure) error {
	now := time.Now().UTC()
	return j.append(ctx, contract.JobStepEvent{
		Step: string(step), State: string(state), StartedAt: began, EndedAt: &now, Note: note, Failure: failure,
	})
}

func (j *journal) progress(ctx context.Context, step deploy.Step, done, total int64) error {
	return j.append(ctx, contract.JobProgressEvent{Step: string(step), Done: done, Total: total})
}

func (j *journal) end(ctx context.Context, e contract.JobEndedEvent) error { return j.append(ctx, e) }
