package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// kind is one way of deploying. To have another one in the runs, add it to the table.
type kind struct {
	name   string
	weight int // how often it is drawn, beside the others
	// draft says how the order goes through its hosts, and what people do with it.
	draft func(o *Order, d dice)
}

// body is JSON as the API takes it.
type body = map[string]any

// kinds is every kind of deployment that there is.
var kinds = []kind{
	{"all", 3, func(o *Order, _ dice) { o.strategy("all", nil) }},
	{"all, few at once", 2, func(o *Order, d dice) { o.strategy("all", body{"max_parallel": d.from(1, 4)}) }},
	{"all, then rolled back", 3, func(o *Order, _ dice) {
		o.strategy("all", nil)
		o.Person.Then = "rollback"
	}},
	{"all, then retried", 3, func(o *Order, d dice) {
		o.strategy("all", nil)
		o.includeFrail(d)
		o.Person.Then = "retry"
	}},
	{"serial", 2, func(o *Order, _ dice) {
		o.few(4)
		o.strategy("serial", nil)
	}},
	{"rolling", 3, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": d.amount(), "pause": d.seconds(1, 3)})
	}},
	{"rolling, enough stay healthy", 2, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": "50%", "min_healthy": "40%"})
		o.Course["failures"] = body{"total": d.amount()}
	}},
	{"budget that stops", 3, func(o *Order, d dice) {
		o.includeFrail(d)
		o.strategy("rolling", body{"batch": d.amount()})
		o.Course["failures"] = body{"total": d.from(0, 1), "batch": 1, "then": "stop"}
	}},
	{"budget that pauses, resumed", 2, func(o *Order, d dice) {
		o.includeFrail(d)
		o.strategy("rolling", body{"batch": d.amount()})
		o.Course["failures"] = body{"total": 0, "then": "pause"}
		o.Person.OnBudget = "resume"
	}},
	{"budget that pauses, cancelled", 2, func(o *Order, d dice) {
		o.includeFrail(d)
		o.strategy("serial", nil)
		o.few(5)
		o.Course["failures"] = body{"total": 0, "then": "pause"}
		o.Person.OnBudget = "cancel"
	}},
	{"budget that goes back", 4, func(o *Order, d dice) {
		o.includeFrail(d)
		o.strategy("rolling", body{"batch": d.amount()})
		o.Course["failures"] = body{"total": 0, "then": "rollback"}
	}},
	{"canary, rejected, that goes back", 3, func(o *Order, d dice) {
		o.Begins = 1
		o.canary(d, "10m").OnHolding = "reject"
		o.Course["failures"] = body{"then": "rollback"}
	}},
	{"unreachable hosts are skipped", 2, func(o *Order, d dice) {
		o.includeFrail(d)
		o.strategy("rolling", body{"batch": d.amount()})
		o.Course["failures"] = body{"total": 0, "unreachable": "skip"}
	}},
	{"canary without a verdict", 2, func(o *Order, d dice) { o.strategy("canary", body{"first": 1, "batch": d.amount()}) }},
	{"canary, promoted", 4, func(o *Order, d dice) { o.canary(d, "10m").OnHolding = "promote" }},
	{"canary, rejected", 3, func(o *Order, d dice) {
		o.Begins = 1
		o.canary(d, "10m").OnHolding = "reject"
	}},
	{"canary, forgotten", 2, func(o *Order, d dice) {
		o.Begins = 1
		o.canary(d, d.seconds(2, 5))
	}},
	{"from one set to the other", 3, func(o *Order, d dice) { o.sets(d, d.seconds(1, 3)) }},
	{"from one set to the other, promoted", 2, func(o *Order, d dice) { o.sets(d, "10m").OnHolding = "promote" }},
	{"from one set to the other, and back", 3, func(o *Order, d dice) { o.sets(d, "10m").OnHolding = "reject" }},
	{"from one set to the other, rolled back", 2, func(o *Order, d dice) { o.sets(d, "1s").Then = "rollback" }},
	{"approved", 4, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": d.amount()})
		o.Course["approval"] = body{}
		o.Person.OnApproval = "approve"
	}},
	{"not approved", 2, func(o *Order, _ dice) {
		o.Begins = 0
		o.Course["approval"] = body{}
		o.Person.OnApproval = "reject"
	}},
	{"approval that expires", 2, func(o *Order, d dice) {
		o.Begins = 0
		o.Course["approval"] = body{"expires_in": d.seconds(2, 5)}
	}},
	// Far enough ahead that the time has not passed when a gateway which was frozen meanwhile takes the request.
	{"at a time", 2, func(o *Order, d dice) { o.StartIn = time.Duration(d.from(15, 25)) * time.Second }},
	{"within a deadline", 2, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": 1, "pause": "1s"})
		o.Course["deadline"] = d.seconds(3, 6)
	}},
	{"cancelled", 5, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": d.amount(), "pause": d.seconds(1, 2)})
		o.Person.CancelAfter = d.between(time.Millisecond, 4*time.Second)
	}},
	{"cancelled at once", 2, func(o *Order, _ dice) { o.Person.CancelAfter = time.Nanosecond }},
	{"paused and resumed", 4, func(o *Order, d dice) {
		o.strategy("rolling", body{"batch": d.amount()})
		o.Person.PauseAfter, o.Person.PausedFor = d.between(time.Millisecond, 3*time.Second), d.between(time.Second, 4*time.Second)
	}},
	{"paused, then cancelled", 2, func(o *Order, d dice) {
		o.strategy("serial", nil)
		o.Person.PauseAfter, o.Person.CancelAfter = d.between(time.Millisecond, 2*time.Second), 4*time.Second
	}},
}

// Color is the set that a host belongs to, for orders that go from one set to another.
func Color(host int) string { return []string{"blue", "green"}[host%2] }

// sets makes the order one that goes to the green hosts, and returns who judges that. Nothing but the journal of their
// hosts sees the commands.
func (o *Order) sets(d dice, keep string) *Person {
	o.Balancers, o.Hosts = o.Hosts[:1], o.Hosts[1:]
	for want := range 2 { // of both sets
		if !slices.ContainsFunc(o.Hosts, func(host int) bool { return host%2 == want }) {
			o.Hosts = append(o.Hosts, d.other(o, want))
		}
	}
	o.strategy("blueGreen", body{
		"to": Color(1), "keep": keep, "max_parallel": d.from(1, 4), "traffic": body{"command": "true"}, "retire": body{"command": "true"},
	})
	return &o.Person
}

// other draws a host that the order does not have, of this set.
func (d dice) other(o *Order, set int) int {
	for host := set; ; host += 2 {
		if !slices.Contains(o.Hosts, host) && !slices.Contains(o.Balancers, host) {
			return host
		}
	}
}

// strategy sets how the order goes through its hosts.
func (o *Order) strategy(name string, more body) {
	s := body{"type": name}
	for key, value := range more {
		s[key] = value
	}
	o.Course["strategy"] = s
}

// canary makes the order one, whose first wave is one host, and returns who judges it.
func (o *Order) canary(d dice, hold string) *Person {
	o.strategy("canary", body{"first": 1, "hold": hold, "batch": d.amount()})
	return &o.Person
}

// few keeps so many hosts at most.
func (o *Order) few(most int) { o.Hosts = o.Hosts[:min(most, len(o.Hosts))] }

// includeFrail has one of the hosts that break down among those of the order.
func (o *Order) includeFrail(d dice) {
	frail := d.IntN(d.frail)
	for _, host := range o.Hosts {
		if host == frail {
			return
		}
	}
	o.Hosts[0] = frail
}

// dice draws what a script leaves to chance. All of it follows from the seed.
type dice struct {
	*rand.Rand
	frail int // hosts that break down: those below this number
}

// from returns a number of least to most.
func (d dice) from(least, most int) int { return least + d.IntN(most-least+1) }

func (d dice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least+1)))
}

// seconds is a duration as the API takes it.
func (d dice) seconds(least, most int) string {
	return (time.Duration(d.from(least, most)) * time.Second).String()
}

// amount is a number or a share of hosts.
func (d dice) amount() any { return []any{1, 2, 3, "20%", "34%", "50%"}[d.IntN(6)] }
