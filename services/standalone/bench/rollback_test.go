//go:build bench

package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRollback takes 50 hosts back to the release before, beside 50 bare commands
// of the limit's. Once Slipway has to connect first, as the limit has, and once
// it may use what it keeps from the deployment. The bare commands of OpenSSH's client take
// part as well, as people run them in a loop.
func TestRollback(t *testing.T) {
	wanted(t, "rollback")
	f := startFleet(t, shipHosts)
	slipway := f.slipway(startSlipway(t))
	f.rollback(row{"rollback", small, shipHosts}, slipway, f.cut, f.peer(openSSH))
	f.rollback(row{"rollback.connected", small, shipHosts}, slipway, func([]site) {})
}

// rollback does between to the hosts between the deployment and the rollback. What peers run
// does nothing on the hosts.
func (f *fleet) rollback(r row, slipway *shipper, between func([]site), peers ...contender) {
	f.t.Helper()
	to, limit := f.sites[:r.hosts], f.plain()
	ours := func(round int) measurement {
		before, after := pack(f.t, r.version("before", round), r.size, 0, 0), pack(f.t, r.version("after", round), r.size, 1, 0)
		slipway.prepare(to, before)
		slipway.ship(to, before)
		slipway.prepare(to, after)
		deployed := slipway.ship(to, after)
		between(to)
		m, err := f.measure(r, slipway.contender(), func() error {
			slipway.rollBack(deployed)
			return nil
		})
		require.NoError(f.t, err)
		require.NoError(f.t, f.check(to, slipway.base, before))
		f.clear(to, slipway.base)
		return m
	}
	limit.ship = func(to []site, _ shipment) error { return plainRun(to, ":", nil) }
	bare := func(c contender) turn {
		return func(int) measurement {
			c.prepare(to, shipment{})
			m, err := f.measure(r, c, func() error { return c.ship(to, shipment{}) })
			if err != nil {
				f.t.Errorf("%s: %s: %v", r.name(), c.name, err)
				return nil
			}
			return m
		}
	}
	var rivals []rival
	for _, p := range peers {
		rivals = append(rivals, rival{p.name, bare(p)})
	}
	slipway.rehearse(func() { ours(*rounds) })
	bare(limit)(*rounds)
	compareAll(f.t, r.units(f), ours, bare(limit), rivals)
}
