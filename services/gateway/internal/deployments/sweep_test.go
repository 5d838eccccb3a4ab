package deployments

import (
	"context"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

const patience = time.Minute

func open(t *testing.T) *Desk {
	t.Helper()
	b := bustest.Start(t).OpenBus(t)
	d, err := Open(t.Context(), b, Limits{patience, patience, patience, patience, patience}, zerolog.Nop())
	require.NoError(t, err)
	return d
}

// recorded is a record that is there at once.
func recorded() func(context.Context) error { return func(context.Context) error { return nil } }

func order(targets int) Order {
	o := Order{ID: xid.New().String(), Application: contract.Application{Name: "shop", Path: "apps/shop", Keep: 5}, Actor: "me", Record: recorded}
	for range targets {
		o.Servers = append(o.Servers, inventory.Server{ID: xid.New().String(), Name: "s"})
	}
	return o
}

func (d *Desk) keys(t *testing.T) []string {
	t.Helper()
	keys, err := d.snapshots.Keys(t.Context(), ">")
	require.NoError(t, err)
	return keys
}

func TestSnapshotsWithoutACommandAreSwept(t *testing.T) {
	d := open(t)
	accepted := order(101)
	_, err := d.Deploy(t.Context(), accepted, contract.Package{Version: "1"})
	require.NoError(t, err)
	good := d.keys(t)
	require.Len(t, good, 2)

	_, err = d.writeSnapshot(t.Context(), order(101)) // died before the command
	require.NoError(t, err)
	_, err = d.writeSnapshot(t.Context(), accepted) // died before another attempt found the command
	require.NoError(t, err)
	begun := order(1) // its command has aged out, and it runs
	_, err = d.writeSnapshot(t.Context(), begun)
	require.NoError(t, err)
	_, err = d.bus.Publish(t.Context(), contract.SystemEventSubject(begun.ID), begun.ID, []byte("{}"))
	require.NoError(t, err)

	require.NoError(t, d.Sweep(t.Context(), time.Hour))
	require.Len(t, d.keys(t), 7, "what is young may be on its way")
	require.NoError(t, d.Sweep(t.Context(), 0))
	left := d.keys(t)
	require.Len(t, left, 3)
	require.Subset(t, left, good)
}

func TestAcceptingAgainChangesNothing(t *testing.T) {
	d := open(t)
	o := order(2)
	first, err := d.Deploy(t.Context(), o, contract.Package{ID: "p", Version: "1"})
	require.NoError(t, err)
	command, err := d.command(t.Context(), o.ID)
	require.NoError(t, err)
	_, err = d.Deploy(t.Context(), o, contract.Package{ID: "p", Version: "1"})
	require.NoError(t, err)
	again, err := d.command(t.Context(), o.ID)
	require.NoError(t, err)
	require.Equal(t, command, again)
	have, found, err := d.Accepted(t.Context(), o.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first, have)
}

func TestADeploymentOfNoServersIsNotAccepted(t *testing.T) {
	d := open(t)
	_, err := d.Deploy(t.Context(), order(0), contract.Package{Version: "1"})
	require.ErrorIs(t, err, ErrNothing)
	_, err = d.RollBack(t.Context(), order(0), Undoing{Of: "x", From: "1"})
	require.ErrorIs(t, err, ErrNothing)
	require.Empty(t, d.keys(t))
}
