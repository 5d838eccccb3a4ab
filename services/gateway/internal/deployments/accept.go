package deployments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

const writesAtOnce = 8 // pieces of a snapshot

// Limits bounds how long others are waited for.
type Limits struct {
	Broker  time.Duration // for the message broker to answer
	Query   time.Duration // for history to answer
	Inspect time.Duration // for an executor to read a group of servers
	Resolve time.Duration // for an executor to find a commit
	Begin   time.Duration // for the scheduler to begin with a deployment, before its command alone answers
}

// Desk takes deployments in and answers questions about them.
type Desk struct {
	bus       *bus.Bus
	snapshots *bus.Cells[contract.SnapshotPiece]
	limits    Limits
	log       zerolog.Logger
}

// Open opens the desk.
func Open(ctx context.Context, b *bus.Bus, limits Limits, log zerolog.Logger) (*Desk, error) {
	snapshots, err := bus.OpenCells[contract.SnapshotPiece](ctx, b, contract.BucketSnapshots)
	if err != nil {
		return nil, err
	}
	return &Desk{b, snapshots, limits, log}, nil
}

// Order is what deployments of all kinds have in common.
type Order struct {
	ID          string // of the deployment
	Project     string // "": none
	Application contract.Application
	Work        *contract.Work     // nil: none
	Servers     []inventory.Server // each once, in the order of the plan
	Policy      contract.Policy    // Approval.Digest is filled in
	Actor       string
	RetryOf     string          // deployment whose failed servers these are; "": none
	Batch       string          // id of the deployments that are asked for together; "": none
	Metadata    []contract.Note // by name
	Origin      contract.Origin
	Record      Record
}

// Record has it recorded that an order is about to be accepted. It is not, unless what it returns has returned without an
// error.
type Record func() (wait func(context.Context) error)

// Deploy accepts a deployment of a package. When it returns without an error the
// command is durable. Accepting again under the same id changes nothing.
func (d *Desk) Deploy(ctx context.Context, o Order, p contract.Package) (contract.Deployment, error) {
	r := o.rollout()
	if r.Policy.Approval != nil {
		r.Policy.Approval.Digest = Digest(o, p)
	}
	return d.accept(ctx, o, contract.VerbDeploy, r, func(r contract.Rollout) contract.Body {
		return contract.DeployCommand{Rollout: r, Package: p}
	})
}

// Undoing is what a rollback is about.
type Undoing struct {
	Of   string // deployment
	From string // version to leave
	To   string // version to go to; "": what ran before
}

// RollBack accepts a rollback, with the guarantees of Deploy. It is not asked for
// approval.
func (d *Desk) RollBack(ctx context.Context, o Order, u Undoing) (contract.Deployment, error) {
	return d.accept(ctx, o, contract.VerbRollback, o.rollout(), func(r contract.Rollout) contract.Body {
		return contract.RollbackCommand{Rollout: r, Of: u.Of, From: u.From, To: u.To}
	})
}

// Init accepts an order to have supervisors know the programs of an application, with
// the guarantees of Deploy. It is not asked for approval.
func (d *Desk) Init(ctx context.Context, o Order, p contract.Programs) (contract.Deployment, error) {
	return d.accept(ctx, o, contract.VerbInit, o.rollout(), func(r contract.Rollout) contract.Body {
		return contract.InitCommand{Rollout: r, Programs: p}
	})
}

// rollout is the order as a command carries it, still without its snapshot.
func (o Order) rollout() contract.Rollout {
	r := contract.Rollout{Application: o.Application, Work: o.Work, Policy: o.Policy, Actor: o.Actor, RetryOf: o.RetryOf, Batch: o.Batch, Metadata: o.Metadata, Origin: o.Origin}
	if a := o.Policy.Approval; a != nil {
		mine := *a
		r.Policy.Approval = &mine
	}
	return r
}

func (d *Desk) accept(ctx context.Context, o Order, verb contract.Verb, r contract.Rollout, body func(contract.Rollout) contract.Body) (contract.Deployment, error) {
	if len(o.Servers) == 0 { // it would never end: nothing of it would ever happen
		return contract.Deployment{}, fmt.Errorf("%w: there are no servers", ErrNothing)
	}
	recorded := o.Record() // meanwhile
	snapshot, err := d.writeSnapshot(ctx, o)
	if err != nil {
		return contract.Deployment{}, err
	}
	if err := recorded(ctx); err != nil {
		d.dropSnapshot(ctx, o.ID, snapshot)
		return contract.Deployment{}, err
	}
	r.Snapshot = snapshot
	command := body(r)
	envelope := contract.Envelope{
		ID: o.ID, Deployment: o.ID, Project: o.Project, Traceparent: observe.Traceparent(ctx), Time: time.Now().UTC().Truncate(time.Millisecond),
	}
	data, err := contract.Encode(envelope, command)
	if err != nil {
		return contract.Deployment{}, err
	}
	_, err = d.bus.Append(ctx, contract.StreamCommands, contract.CommandSubject(verb, o.ID), 0, o.ID, data)
	if errors.Is(err, bus.ErrConflict) { // another attempt of the same request was first
		d.dropSnapshot(ctx, o.ID, snapshot)
		have, found, err := d.Accepted(ctx, o.ID)
		if err == nil && !found {
			err = bus.ErrConflict
		}
		return have, err
	}
	if err != nil {
		return contract.Deployment{}, fmt.Errorf("publish the command: %w", err)
	}
	return status(contract.Message{Envelope: envelope, Body: command}), nil
}

// writeSnapshot stores the targets, in pieces. Its id is new for each attempt,
// so that pieces of two attempts never mix; it begins with the deployment's.
func (d *Desk) writeSnapshot(ctx context.Context, o Order) (contract.Snapshot, error) {
	pieces := deploy.Range{Count: len(o.Servers)}.Pieces()
	s := contract.Snapshot{
		ID: o.ID + "-" + xid.New().String(), Pieces: len(pieces), Targets: len(o.Servers), Zones: zonesOf(o.Servers),
	}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(writesAtOnce)
	for n, piece := range pieces {
		all.Go(func() error {
			var targets []contract.Target
			for _, server := range o.Servers[piece.First : piece.First+piece.Count] {
				targets = append(targets, server.Target())
			}
			value := contract.PieceOf(targets)
			if err := fits(value); err != nil {
				return err
			}
			_, err := d.snapshots.Put(ctx, pieceKey(s.ID, n), value)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return s, fmt.Errorf("store the snapshot: %w", err)
	}
	return s, nil
}

// maxPiece is what the value of one key may have, in bytes: the broker takes a
// message of 1 MB.
const maxPiece = 1_000_000

// fits fails with field.Errors where a hundred targets have so many jump hosts
// with such large credentials that they are too much for one message. Without jump
// hosts that cannot be: the inventory sees to it.
func fits(piece contract.SnapshotPiece) error {
	if len(piece.Hops) == 0 {
		return nil
	}
	encoded, err := json.Marshal(piece)
	if err == nil && len(encoded) > maxPiece {
		return field.Errors{{Field: "servers", Message: "have too many jump hosts with too large credentials; ed25519 keys are small"}}
	}
	return err
}

// zonesOf returns the zones of the servers as a snapshot names them: in order, and
// none where all are in the default zone.
func zonesOf(servers []inventory.Server) []string {
	var zones []string
	for zone := range byZone(servers) {
		zones = append(zones, zone)
	}
	slices.Sort(zones)
	if slices.Equal(zones, []string{contract.DefaultZone}) {
		return nil
	}
	return zones
}

func (d *Desk) dropSnapshot(ctx context.Context, deployment string, s contract.Snapshot) {
	for n := range s.Pieces {
		if err := d.snapshots.Delete(ctx, pieceKey(s.ID, n), 0); err != nil {
			d.log.Debug().Err(err).Str("deployment", deployment).Str("snapshot", s.ID).Msg("a piece stays behind until it is swept")
		}
	}
}

func pieceKey(snapshot string, n int) string { return snapshot + "." + strconv.Itoa(n) }

// Accepted returns a deployment as its command states it, and whether there is
// one: an earlier attempt of the same request may have stored it.
func (d *Desk) Accepted(ctx context.Context, id string) (contract.Deployment, bool, error) {
	m, err := d.command(ctx, id)
	switch {
	case errors.Is(err, bus.ErrNone):
		return contract.Deployment{}, false, nil
	case err != nil:
		return contract.Deployment{}, false, err
	}
	return status(m), true, nil
}

// ToApprove returns the digest that an approval of the deployment must name; ""
// where none is asked for, or nobody knows any more.
func (d *Desk) ToApprove(ctx context.Context, id string) (string, error) {
	m, err := d.command(ctx, id)
	if errors.Is(err, bus.ErrNone) {
		return "", nil
	}
	if a := rollout(m).Policy.Approval; a != nil {
		return a.Digest, err
	}
	return "", err
}

// command returns the command of a deployment, or bus.ErrNone.
func (d *Desk) command(ctx context.Context, id string) (contract.Message, error) {
	stored, err := d.bus.Last(ctx, contract.StreamCommands, contract.AnyCommandSubject(id))
	if err != nil {
		return contract.Message{}, err
	}
	return contract.Decode(stored.Data)
}

// status is how a deployment stands that nothing but its command is known of.
func status(m contract.Message) contract.Deployment {
	s := contract.Deployment{ID: m.Deployment, Project: m.Project, State: string(deploy.Accepted), AcceptedAt: m.Time}
	r := rollout(m)
	switch c := m.Body.(type) {
	case contract.DeployCommand:
		s.Kind, s.Version, s.Package = string(deploy.KindDeploy), c.Package.Version, c.Package.ID
	case contract.RollbackCommand:
		s.Kind, s.Version, s.From, s.RollbackOf = string(deploy.KindRollback), c.To, c.From, c.Of
	case contract.InitCommand:
		s.Kind = string(deploy.KindInit)
	}
	s.Application, s.Path, s.Actor = r.Application.Name, r.Application.Path, r.Actor
	s.Strategy, s.RetryOf, s.Batch, s.Metadata = r.Policy.Strategy.Type, r.RetryOf, r.Batch, r.Metadata
	s.Origin = r.Origin
	s.Targets, s.Waves = r.Snapshot.Targets, Waves(r.Policy, r.Snapshot.Targets).Len()
	s.Counts.Pending = r.Snapshot.Targets
	return s
}
