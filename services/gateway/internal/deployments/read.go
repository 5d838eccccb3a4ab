package deployments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// recently is for how long after its command a deployment is waited for that has no
// event yet.
const recently = 10 * time.Second

// outputLimit is how many lines of output can be asked for at once.
const outputLimit = 500

// known is what the streams know of a deployment.
type known struct {
	seq     uint64            // of its last event; 0: there is none
	command *contract.Message // where there is no event yet
}

// locate finds out what an answer about a deployment must have seen. Neither an
// event nor a command does not mean that there is no deployment: they age out.
func (d *Desk) locate(ctx context.Context, id string) (known, error) {
	if !contract.ValidToken(id) {
		return known{}, ErrNotFound
	}
	seq, err := d.lastEvent(ctx, id)
	if err != nil || seq > 0 {
		return known{seq: seq}, err
	}
	brief, cancel := context.WithTimeout(ctx, d.limits.Broker)
	m, err := d.command(brief, id)
	cancel()
	switch {
	case errors.Is(err, bus.ErrNone):
		return known{}, nil
	case err != nil:
		return known{}, err
	}
	seq, err = d.awaitEvent(ctx, id)
	return known{seq: seq, command: &m}, err
}

// lastEvent returns the sequence of the deployment's last event, or 0.
func (d *Desk) lastEvent(ctx context.Context, id string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	last, err := d.bus.Last(ctx, contract.StreamEvents, contract.DeploymentEvents(id))
	if errors.Is(err, bus.ErrNone) {
		return 0, nil
	}
	return last.Seq, err
}

// awaitEvent is lastEvent once there is one, or 0 after a while.
func (d *Desk) awaitEvent(ctx context.Context, id string) (uint64, error) {
	enough := time.After(d.limits.Begin)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		seq, err := d.lastEvent(ctx, id)
		if err != nil || seq > 0 {
			return seq, err
		}
		select {
		case <-enough:
			return 0, nil
		case <-ctx.Done():
			return 0, errors.Join(bus.ErrUnavailable, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// Get returns a deployment, at least as new as when it was asked for, or
// ErrNotFound.
func (d *Desk) Get(ctx context.Context, id string) (contract.Deployment, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return contract.Deployment{}, err
	}
	if k.seq == 0 && k.command != nil {
		return status(*k.command), nil
	}
	found, err := ask[contract.Deployment](ctx, d, contract.QueryDeployment,
		contract.Envelope{Deployment: id}, contract.GetDeployment{MinSeq: k.seq}, d.limits.Query)
	return found, k.doubt(err)
}

// doubt is err, unless history denies what the streams know: it lags behind then,
// or lost its store, and asking again is what helps.
func (k known) doubt(err error) error {
	if k.seq > 0 && errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: history does not know a deployment with event %d", ErrNoAnswer, k.seq)
	}
	return err
}

// Ended returns the event that ended a deployment, or 0 where none has yet. Where the
// streams know nothing of the deployment, it is ErrNotFound, even if history does.
func (d *Desk) Ended(ctx context.Context, id string) (uint64, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return 0, err
	}
	if k.seq == 0 {
		if k.command == nil {
			return 0, ErrNotFound
		}
		return 0, nil
	}
	last, err := d.bus.Last(ctx, contract.StreamEvents, contract.SystemEventSubject(id))
	if err != nil {
		return 0, err
	}
	m, err := contract.Decode(last.Data)
	if err != nil {
		return 0, err
	}
	if _, over := m.Body.(contract.ConcludedEvent); !over {
		return 0, nil
	}
	return last.Seq, nil
}

// List returns a page of deployments, at least as new as when it was asked for.
func (d *Desk) List(ctx context.Context, l contract.ListDeployments) (contract.Deployments, error) {
	var err error
	if l.MinSeq, err = d.newest(ctx); err != nil {
		return contract.Deployments{}, err
	}
	return ask[contract.Deployments](ctx, d, contract.QueryDeployments, contract.Envelope{}, l, d.limits.Query)
}

// newest is what an answer about all deployments must have seen: the last event that
// is about one as a whole, and the first one of what was accepted last.
func (d *Desk) newest(ctx context.Context) (uint64, error) {
	brief, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	last, err := d.bus.Last(brief, contract.StreamCommands, contract.CommandsAll)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return 0, err
	}
	var begun uint64
	// One that is older has begun, or will not so soon.
	if m, err := contract.Decode(last.Data); err == nil && time.Since(m.Time) < recently {
		if begun, err = d.awaitEvent(ctx, m.Deployment); err != nil {
			return 0, err
		}
	}
	event, err := d.bus.Last(brief, contract.StreamEvents, contract.EventsOfSys)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return 0, err
	}
	return max(begun, event.Seq), nil
}

// Page is a part of the targets of a deployment.
type Page struct {
	First, Limit int
	State        deploy.State // "": any
}

// Targets returns a page of a deployment's targets, with the guarantees of Get.
func (d *Desk) Targets(ctx context.Context, id string, p Page) (contract.Targets, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return contract.Targets{}, err
	}
	if k.seq == 0 && k.command != nil {
		return d.planned(ctx, *k.command, p)
	}
	found, err := d.targets(ctx, id, k.seq, p)
	return found, k.doubt(err)
}

func (d *Desk) targets(ctx context.Context, id string, seq uint64, p Page) (contract.Targets, error) {
	return ask[contract.Targets](ctx, d, contract.QueryTargets, contract.Envelope{Deployment: id},
		contract.ListTargets{MinSeq: seq, First: p.First, Limit: p.Limit, State: string(p.State)}, d.limits.Query)
}

// Output returns a page of what was said on a deployment's hosts, with the guarantees of
// Get. A field of the question that does not fit the deployment is a field.Errors.
func (d *Desk) Output(ctx context.Context, id string, q contract.ListOutput) (contract.Output, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return contract.Output{}, err
	}
	if k.seq == 0 && k.command != nil {
		return contract.Output{Position: "0"}, nil // nothing has begun
	}
	q.MinSeq = k.seq
	found, err := ask[contract.Output](ctx, d, contract.QueryOutput, contract.Envelope{Deployment: id}, q, d.limits.Query)
	var no refused
	if errors.As(err, &no) && no.Field != "" {
		name := no.Field
		if name == "after" {
			name = "cursor" // as clients know it
		}
		return found, field.Errors{{Field: name, Message: "does not fit the deployment: " + no.Message}}
	}
	return found, k.doubt(err)
}

// LastOutput returns the last n lines that the question asks for, in order, and the
// position behind them all, with the guarantees of Output. It asks as often as that takes:
// an answer holds 500 lines at most, and fewer where they are long or far apart.
func (d *Desk) LastOutput(ctx context.Context, id string, q contract.ListOutput, n int) (contract.Output, error) {
	q.Last = true
	var parts [][]contract.TargetLine // the last first
	var found contract.Output
	for left := n; ; {
		q.Limit = min(left, outputLimit)
		part, err := d.Output(ctx, id, q)
		if err != nil {
			return contract.Output{}, err
		}
		if q.Before == "" {
			found.Position = part.Position
		}
		parts = append(parts, part.Lines)
		left, q.Before = left-len(part.Lines), part.Before
		if left <= 0 || q.Before == "" {
			break
		}
	}
	slices.Reverse(parts)
	found.Lines = slices.Concat(parts...)
	return found, nil
}

// planned returns targets as the command and its snapshot state them: all of
// them are pending.
func (d *Desk) planned(ctx context.Context, m contract.Message, p Page) (contract.Targets, error) {
	page := contract.Targets{Targets: []contract.TargetStatus{}}
	if p.State != "" && p.State != deploy.Pending {
		return page, nil
	}
	r := rollout(m)
	waves := Waves(r.Policy, r.Snapshot.Targets)
	end := min(p.First+p.Limit, r.Snapshot.Targets)
	for at := p.First; at < end; {
		first := at / deploy.PieceSize * deploy.PieceSize
		piece, _, err := d.snapshots.Get(ctx, pieceKey(r.Snapshot.ID, at/deploy.PieceSize))
		if err != nil { // gone: the deployment has begun and ended meanwhile; asking again gives that
			return page, fmt.Errorf("%w: snapshot %s: %w", ErrNoAnswer, r.Snapshot.ID, err)
		}
		for ; at < min(end, first+len(piece.Targets)); at++ {
			wave, _ := waves.Of(at)
			t := piece.Targets[at-first]
			page.Targets = append(page.Targets, contract.TargetStatus{
				Target: at, Host: t.Host, Name: t.Name, Wave: wave, State: string(deploy.Pending), Steps: []contract.StepStatus{},
			})
		}
		if len(piece.Targets) < deploy.PieceSize {
			break
		}
	}
	if end < r.Snapshot.Targets {
		page.Next = end
	}
	return page, nil
}

func rollout(m contract.Message) contract.Rollout {
	switch c := m.Body.(type) {
	case contract.DeployCommand:
		return c.Rollout
	case contract.RollbackCommand:
		return c.Rollout
	case contract.InitCommand:
		return c.Rollout
	default:
		return contract.Rollout{}
	}
}
