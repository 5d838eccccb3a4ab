//go:build bench

package bench

import (
	"testing"
)

// changedFiles is how many of the 500 files of a large package a repeat changes:
// 1 %.
const changedFiles = 5

// TestRepeat ships a package of which 1 % differs from what the hosts have,
// beside the limit, which knows nothing of that and sends it all. Once Slipway has to
// connect first, as the limit has, and once it may use what it keeps from the deployment
// before.
func TestRepeat(t *testing.T) {
	wanted(t, "repeat")
	f := startFleet(t, 20)
	slipway := f.slipway(startSlipway(t))
	f.repeat(row{"repeat", large, 20}, slipway, f.cut)
	f.repeat(row{"repeat.connected", large, 20}, slipway, func([]site) {})
}

// repeat does between to the hosts between the two packages.
func (f *fleet) repeat(r row, slipway *shipper, between func([]site)) {
	f.t.Helper()
	// before and after are the two packages of a round. That is also what the hosts
	// see: nothing of another round stays there.
	before := func(round int) shipment { return pack(f.t, r.version("before", round), r.size, round, 0) }
	after := func(round int) shipment { return pack(f.t, r.version("after", round), r.size, round, changedFiles) }
	again := slipway.contender()
	again.prepare = func(to []site, p shipment) {
		slipway.store(p)
		between(to)
	}
	ours := func(round int) measurement {
		first := before(round)
		slipway.prepare(f.sites[:r.hosts], first)
		slipway.ship(f.sites[:r.hosts], first)
		return f.turn(r, again, after(round))
	}
	limit := f.plain()
	slipway.rehearse(func() { ours(*rounds) })
	f.turn(r, limit, after(*rounds))
	compare(f.t, r.units(f), ours, func(round int) measurement { return f.turn(r, limit, after(round)) })
}
