//go:build bench

package bench

import "testing"

// TestFar does what TestShip, TestRepeat and TestRollback do with hosts that are
// a round trip of 50 ms away, and counts the round trips and what is sent.
func TestFar(t *testing.T) {
	wanted(t, "far")
	f := startFleet(t, shipHosts)
	f.moveAway()
	slipway, limit := f.slipway(startSlipway(t)), f.plain()
	for _, r := range []row{{"far", small, shipHosts}, {"far", large, 20}} {
		f.compete(r, slipway.contender(), limit, nil)
		noteDistance(r)
	}
	repeat := row{"far.repeat", large, 20}
	f.repeat(repeat, slipway, limit)
	noteChanged(repeat)
	rollback := row{"far.rollback", small, shipHosts}
	f.rollback(rollback, slipway, f.cut)
	noteDistance(rollback)
}

// noteDistance notes how many round trips Slipway takes longer than the limit.
func noteDistance(r row) {
	slipway, limit := medianOf(r.wall())
	note(figure{Name: r.name() + ".behind", Unit: "round trips", Value: (slipway - limit) / roundTrip.Seconds()})
}

// noteChanged notes what a repeat sent beside the size of the files that it had
// to send.
func noteChanged(r row) {
	sent, _ := medianOf(r.sent())
	changed := r.bytes / r.files * changedFiles
	note(figure{Name: r.name() + ".sent.of.changed", Unit: "KiB a host", Value: sent, Baseline: float64(changed) / 1024})
}
