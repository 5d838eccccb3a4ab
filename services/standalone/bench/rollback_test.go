//go:build bench

package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRollback takes 50 hosts back to the release before, beside 50 bare commands
// of the limit's. Once Slipway has to connect first, as the limit has, and once
// it may use what it keeps from the deployment.
func TestRollback(t *testing.T) {
	wanted(t, "rollback")
	f := startFleet(t, shipHosts)
	slipway := f.slipway(startSlipway(t))
	f.rollback(row{"rollback", small, shipHosts}, slipway, f.cut)
	f.rollback(row{"rollback.connected", small, shipHosts}, slipway, func([]site) {})
}

// rollback does between to the hosts between the deployment and the rollback.
func (f *fleet) rollback(r row, slipway *shipper, between func([]site)) {
	f.t.Helper()
	to, limit := f.sites[:r.hosts], f.plain()
	compare(f.t, r.units(f.tallies != nil),
		func(round int) measurement {
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
		},
		func(int) measurement {
			m, err := f.measure(r, limit, func() error { return plainRun(to, ":", nil) })
			require.NoError(f.t, err)
			return m
		})
}
