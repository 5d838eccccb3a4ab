package inventory

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
	"github.com/slipway-deploy/slipway/services/gateway/internal/revision"
)

// stored is a value of the bucket: a server, or a claim to a name.
type stored struct {
	Server *Server `json:"server,omitempty"`
	Claim  *claim  `json:"claim,omitempty"`
}

// Inventory is the servers of this installation.
type Inventory struct {
	cells *bus.Cells[stored]
	view  *mirror.Mirror[stored]
	log   zerolog.Logger
}

// Open opens the inventory and reads all of it.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Inventory, error) {
	cells, err := bus.OpenCells[stored](ctx, b, contract.BucketServers)
	if err != nil {
		return nil, err
	}
	view, err := mirror.Open[stored](ctx, b, contract.BucketServers, nil, log)
	if err != nil {
		return nil, err
	}
	return &Inventory{cells, view, log}, view.Refresh(ctx)
}

// Create stores a new server and returns it with its revision. Creating again
// what an earlier attempt with the same id left behind, complete or not, is the
// same as creating it once. It fails with ErrNameTaken, and with field.Errors where
// its jump host is none.
func (v *Inventory) Create(ctx context.Context, s Server) (Server, uint64, error) {
	s, err := v.settleJump(ctx, s)
	if err != nil {
		return s, 0, err
	}
	rev, err := v.cells.Create(ctx, s.ID, stored{Server: &s})
	if errors.Is(err, bus.ErrConflict) {
		var have stored
		if have, rev, err = v.cells.Get(ctx, s.ID); err == nil {
			s = *have.Server
		}
	}
	if err != nil {
		return s, 0, err
	}
	err = v.claim(ctx, s.Name, s.ID, rev)
	if errors.Is(err, ErrNameTaken) {
		_ = v.cells.Delete(ctx, s.ID, rev) // it was never seen; the sweep finds what is left
	}
	return s, rev, err
}

// cell is where a server is stored.
func (v *Inventory) cell(id string) revision.Cell[Server] {
	return revision.Cell[Server]{
		Read:   func(ctx context.Context) (Server, uint64, error) { return v.read(ctx, id) },
		Write:  v.write,
		Remove: v.remove,
		Gone:   ErrNotFound,
	}
}

// Change lets fn change a server and returns the result with its revision; see
// revision.Cell. It fails with field.Errors where a new jump host is none.
func (v *Inventory) Change(ctx context.Context, id string, must uint64, fn func(Server) (Server, error)) (Server, uint64, error) {
	return v.cell(id).Change(ctx, must, func(have Server) (Server, error) {
		next, err := fn(have)
		if err == nil && next.JumpHost != have.JumpHost {
			next, err = v.settleJump(ctx, next)
		}
		return next, err
	})
}

// write replaces a server of this revision; see revision.Set.
func (v *Inventory) write(ctx context.Context, have, next Server, rev uint64) (uint64, error) {
	var left uint64 // revision of the claim that a rename leaves behind
	if next.Name != have.Name {
		_, claimRev, err := v.cells.Get(ctx, nameKey(have.Name))
		if err != nil && !errors.Is(err, bus.ErrNone) {
			return 0, err
		}
		left = claimRev
		if err := v.claim(ctx, next.Name, have.ID, rev); err != nil {
			return 0, err
		}
	}
	newRev, err := revision.Set(ctx, v.cells, have.ID, stored{Server: &next}, rev)
	if err == nil && left != 0 {
		v.release(ctx, have.Name, left)
	}
	return newRev, err
}

// Delete removes a server; must is as for Change. It fails with ErrJumpHost.
func (v *Inventory) Delete(ctx context.Context, id string, must uint64) error {
	return v.cell(id).Delete(ctx, must)
}

// remove removes a server of this revision.
func (v *Inventory) remove(ctx context.Context, have Server, rev uint64) error {
	if err := v.inUse(ctx, have.ID); err != nil {
		return err
	}
	_, claimRev, err := v.cells.Get(ctx, nameKey(have.Name))
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return err
	}
	if err = v.cells.Delete(ctx, have.ID, rev); err == nil {
		v.release(ctx, have.Name, claimRev)
	}
	return err
}

// RecordHostKey stores the key that a host showed on first contact, if it may be
// taken and none is stored, and returns the key that counts. It fails with
// ErrNotFound or ErrNoKey; or with that of before, which is called before each try
// to store it.
func (v *Inventory) RecordHostKey(ctx context.Context, id, offered string, before func() error) (string, error) {
	s, _, err := v.Change(ctx, id, 0, func(s Server) (Server, error) {
		switch {
		case s.HostKey != "":
			return s, errKnown
		case !s.FirstContact:
			return s, ErrNoKey
		}
		if err := before(); err != nil {
			return s, err
		}
		s.HostKey, s.UpdatedAt = offered, time.Now().UTC().Truncate(time.Millisecond)
		return s, nil
	})
	if errors.Is(err, errKnown) {
		err = nil
	}
	return s.HostKey, err
}

// errKnown ends a change that has nothing to change.
var errKnown = errors.New("a host key is stored already")

// read returns a server as it is stored now.
func (v *Inventory) read(ctx context.Context, id string) (Server, uint64, error) {
	if !contract.ValidToken(id) {
		return Server{}, 0, ErrNotFound
	}
	have, rev, err := v.cells.Get(ctx, id)
	switch {
	case errors.Is(err, bus.ErrNone) || err == nil && have.Server == nil:
		return Server{}, 0, ErrNotFound
	case err != nil:
		return Server{}, 0, err
	}
	named, _, err := v.cells.Get(ctx, nameKey(have.Server.Name))
	switch {
	case errors.Is(err, bus.ErrNone) || err == nil && named.Claim.Server != id:
		return Server{}, 0, ErrNotFound
	case err != nil:
		return Server{}, 0, err
	}
	return *have.Server, rev, nil
}
