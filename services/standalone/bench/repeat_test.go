//go:build bench

package bench

import (
	"testing"
)

// changedFiles is how many of the 500 files of a large package a repeat changes:
// 1 %.
const changedFiles = 5

// TestRepeat ships a package of which 1 % differs from what the hosts have,
// beside the limit, which knows nothing of that and sends it all.
func TestRepeat(t *testing.T) {
	wanted(t, "repeat")
	f := startFleet(t, 20)
	f.repeat(row{"repeat", large, 20}, f.slipway(startSlipway(t)), f.plain())
}

func (f *fleet) repeat(r row, slipway *shipper, limit contender) {
	f.t.Helper()
	// before and after are the two packages of a round. That is also what the hosts
	// see: nothing of another round stays there.
	before := func(round int) shipment { return pack(f.t, r.version("before", round), r.size, round, 0) }
	after := func(round int) shipment { return pack(f.t, r.version("after", round), r.size, round, changedFiles) }
	compare(f.t, r.units(f.tallies != nil),
		func(round int) measurement {
			first := before(round)
			slipway.prepare(f.sites[:r.hosts], first)
			slipway.ship(f.sites[:r.hosts], first)
			return f.turn(r, slipway.contender(), after(round))
		},
		func(round int) measurement { return f.turn(r, limit, after(round)) })
}
