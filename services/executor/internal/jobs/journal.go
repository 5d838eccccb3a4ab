package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/output"
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

// open begins an attempt after this position, and with it its first step, if there
// is to be one. The sequence of its first event is the fencing token of everything
// that follows.
func open(ctx context.Context, b *bus.Bus, job contract.Message, at position, executor string, first deploy.Step) (*journal, error) {
	j := after(b, job, at)
	if err := j.append(ctx, contract.JobStartedEvent{Executor: executor, Step: string(first)}); err != nil {
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

// next says how a step ended, and that this one begins. An attempt waits until each
// of its words is stored, so it says both at once.
func (j *journal) next(ctx context.Context, ended contract.LastStep, next deploy.Step) error {
	return j.append(ctx, contract.JobStepEvent{
		Step: ended.Step, State: ended.State, StartedAt: ended.StartedAt, EndedAt: &ended.EndedAt,
		Note: ended.Note, Failure: ended.Failure, Next: string(next),
	})
}

func (j *journal) progress(ctx context.Context, step deploy.Step, done, total int64) error {
	return j.append(ctx, contract.JobProgressEvent{Step: string(step), Done: done, Total: total})
}

// said stores something that was said on the host, apart from the chain: nothing waits
// for it. Its id is the same for a repeat, and for nothing else.
func (j *journal) said(ctx context.Context, b output.Batch) error {
	e := j.envelope
	e.ID = fmt.Sprintf("%s.%s.%d.%d", e.Deployment, e.Host, e.Token, b.First)
	body := contract.JobOutputEvent{Step: string(b.Step), First: b.First}
	for _, l := range b.Lines {
		body.Lines = append(body.Lines, contract.OutputLine{Time: l.Time, Stream: string(l.Stream), Level: string(l.Level), Text: l.Text})
	}
	data, err := contract.Encode(e, body)
	if err != nil {
		return err
	}
	_, err = j.bus.Publish(ctx, contract.OutputSubject(e.Deployment, e.Host), e.ID, data)
	return err
}

func (j *journal) end(ctx context.Context, e contract.JobEndedEvent) error { return j.append(ctx, e) }
