//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"
)

const shipHosts = 50

// TestShip ships packages to hosts that have never seen the application, from
// the request to the end of the deployment, beside the plain Go program that is
// the practical limit, and beside those that others ship with. All are on one
// machine, so the CPU time of the client's side and of the hosts' are told apart.
func TestShip(t *testing.T) {
	var rows []row
	for _, s := range []size{small, large} {
		for _, count := range []int{20, shipHosts} {
			if r := (row{"ship", s, count}); isWanted(r.name()) {
				rows = append(rows, r)
			}
		}
	}
	if len(rows) == 0 {
		wanted(t, "ship")
	}
	f := startFleet(t, shipHosts)
	slipway, limit, peers := f.slipway(startSlipway(t)), f.plain(), f.peers()
	for _, r := range rows {
		f.compete(r, slipway, limit, peers)
	}
}

// row is what all contenders do.
type row struct {
	what string
	size
	hosts int
}

func (r row) name() string { return fmt.Sprintf("%s.%s.%dhosts", r.what, r.size.name, r.hosts) }

// version names one of its packages.
func (r row) version(kind string, round int) string {
	return fmt.Sprintf("%s.%s.%d", r.name(), kind, round)
}

// The figures of a row. The last two are told of hosts that are far away.
func (r row) wall() string   { return r.name() + ".wall" }
func (r row) client() string { return r.name() + ".cpu.client" }
func (r row) host() string   { return r.name() + ".cpu.hosts" }
func (r row) trips() string  { return r.name() + ".roundtrips" }
func (r row) sent() string   { return r.name() + ".sent" }

func (r row) units(f *fleet) map[string]string {
	units := map[string]string{r.wall(): "s", r.client(): "s", r.host(): "s"}
	if f.proxies != nil {
		delete(units, r.client()) // which is theirs as well
	}
	if f.away {
		units[r.trips()], units[r.sent()] = "a host", "KiB a host"
	}
	return units
}

// contender is one way of shipping.
type contender struct {
	name    string
	base    string                            // where it has the application on the hosts
	prepare func(to []site, p shipment)       // what is not measured
	ship    func(to []site, p shipment) error // returns once all hosts run the package
	cpu     func(t *testing.T) time.Duration  // of the client's side, since any time
	end     func(t *testing.T)                // ends what ship left behind, such as connections
}

// compete has each contender ship the row, in turns.
func (f *fleet) compete(r row, slipway *shipper, limit contender, peers []contender) {
	f.t.Helper()
	warm := pack(f.t, r.version("warm", 0), r.size, *rounds, 0)
	slipway.rehearse(func() { f.turn(r, slipway.contender(), warm) })
	f.turn(r, limit, warm)
	var packages []shipment
	for round := range *rounds {
		packages = append(packages, pack(f.t, r.version("round", round), r.size, round, 0))
	}
	turnOf := func(c contender) turn {
		return func(round int) measurement { return f.turn(r, c, packages[round]) }
	}
	var rivals []rival
	for _, p := range peers {
		rivals = append(rivals, rival{p.name, turnOf(p)})
	}
	compareAll(f.t, r.units(f), turnOf(slipway.contender()), turnOf(limit), rivals)
}

// turn measures one contender, and has the hosts as they were before. What it
// has shipped is looked at before the measurement counts: a contender that fails
// has none, and fails the test, which goes on with the others.
func (f *fleet) turn(r row, c contender, p shipment) measurement {
	f.t.Helper()
	to := f.sites[:r.hosts]
	c.prepare(to, p)
	m, err := f.measure(r, c, func() error { return c.ship(to, p) })
	if err == nil {
		err = f.check(to, c.base, p)
	}
	f.clear(to, c.base)
	if err != nil {
		f.t.Errorf("%s: %s: %v", r.name(), c.name, err)
		return nil
	}
	return m
}

// measure measures what a contender does.
func (f *fleet) measure(r row, c contender, do func() error) (measurement, error) {
	f.t.Helper()
	f.counted()
	client, hosts, began := c.cpu(f.t), f.group.cpu(f.t), time.Now()
	err := do()
	wall := time.Since(began)
	c.end(f.t)
	f.settle()
	bytes, trips := f.counted()
	return measurement{
		r.wall():   wall.Seconds(),
		r.client(): (c.cpu(f.t) - client).Seconds(),
		r.host():   (f.group.cpu(f.t) - hosts).Seconds(),
		r.sent():   float64(bytes) / 1024 / float64(r.hosts),
		r.trips():  float64(trips) / float64(r.hosts),
	}, err
}

// plain is the limit.
func (f *fleet) plain() contender {
	const base = "/srv/plain"
	return contender{
		name: "limit", base: base, cpu: ownCPU,
		prepare: func([]site, shipment) {},
		ship:    func(to []site, p shipment) error { return plainShip(to, p, base) },
		end:     func(*testing.T) {},
	}
}
