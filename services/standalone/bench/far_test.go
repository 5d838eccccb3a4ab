//go:build bench

package bench

import "testing"

// TestFar does what TestShip, TestRepeat and TestRollback do with hosts that are
// a round trip of 50 ms away, and counts the round trips and what is sent. The same
// through the same proxies, but without the distance, tells what of the time that takes.
func TestFar(t *testing.T) {
	wanted(t, "far")
	f := startFleet(t, shipHosts)
	f.count()
	slipway, limit := f.slipway(startSlipway(t)), f.plain()
	ships := []row{{"", small, shipHosts}, {"", large, 20}}
	back := row{"", small, shipHosts}

	for _, r := range ships {
		f.compete(r.as("near"), slipway, limit, nil)
	}
	f.rollback(back.as("near.rollback"), slipway, f.cut)

	f.moveAway()
	for _, r := range ships {
		f.compete(r.as("far"), slipway, limit, nil)
		noteDistance(r.as("near"), r.as("far"))
	}
	repeat := row{"far.repeat", large, 20}
	f.repeat(repeat, slipway, f.cut)
	noteChanged(repeat)
	f.rollback(back.as("far.rollback"), slipway, f.cut)
	noteDistance(back.as("near.rollback"), back.as("far.rollback"))
}

// as is the same by another name.
func (r row) as(what string) row {
	r.what = what
	return r
}

// noteDistance notes how many round trips Slipway takes longer than the limit; and how many
// the distance adds to what each takes without it, which what they do on hosts and machines
// that they share does not count in.
func noteDistance(near, far row) {
	slipway, limit := medianOf(far.wall())
	note(figure{Name: far.name() + ".behind", Unit: "round trips", Value: (slipway - limit) / roundTrip.Seconds()})
	without, limitWithout := medianOf(near.wall())
	note(figure{
		Name: far.name() + ".added", Unit: "round trips",
		Value: (slipway - without) / roundTrip.Seconds(), Baseline: (limit - limitWithout) / roundTrip.Seconds(),
	})
}

// noteChanged notes what a repeat sent beside the size of the files that it had
// to send.
func noteChanged(r row) {
	sent, _ := medianOf(r.sent())
	changed := r.bytes / r.files * changedFiles
	note(figure{Name: r.name() + ".sent.of.changed", Unit: "KiB a host", Value: sent, Baseline: float64(changed) / 1024})
}
