package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Size is how much there is of everything in a run.
type Size struct {
	Duration    time.Duration // of the faults; what was ordered meanwhile ends after it
	Deployments int           // that are ordered, beside the retries and rollbacks that follow
	Versions    int           // that there are to deploy
	Hosts       int
	Frail       int      // of the hosts: the first ones, which break down too
	Gateways    int      // that clients ask
	Workers     []string // processes that are killed and frozen
	Broker      string   // the process that is killed and restarted
}

// Script is all that happens in a run. The same seed and size give the same script.
type Script struct {
	Orders  []Order
	Strikes []Strike
	Breaks  []Break
}

// Order is a deployment that a client asks for. Hosts and versions are numbers.
type Order struct {
	At      time.Duration // since the run began
	Kind    string
	Version int
	Hosts   []int
	// Balancers send traffic to one set of hosts or the other, which differ by Color; none: the order does not go by sets.
	Balancers []int
	Gateway   int           // that is asked first
	Repeat    bool          // ask again, with the same key, another gateway
	StartIn   time.Duration // 0: at once
	Course    body          // strategy, failures, approval and deadline, as the API takes them
	Person    Person
	Begins    int // hosts that may begin at most; -1: all of them
}

// Person is what people do with a deployment.
type Person struct {
	OnApproval, OnHolding, OnBudget string // the verb for each state in which they are asked; empty: nothing
	PauseAfter, PausedFor           time.Duration
	CancelAfter                     time.Duration // 0: never
	Then                            string        // once it has ended: retry, rollback or nothing
}

// Idle says whether the person does nothing at all.
func (p Person) Idle() bool { return p == Person{} }

// Strike is a fault of a process. It is over, and the process runs, at At+For.
type Strike struct {
	At, For time.Duration
	Victim  string
	Verb    StrikeVerb
}

// StrikeVerb is what happens to a process.
type StrikeVerb string

// The faults of processes.
const (
	Kill    StrikeVerb = "kill -9"
	Freeze  StrikeVerb = "freeze" // SIGSTOP, SIGCONT
	Restart StrikeVerb = "restart"
)

// Break is a fault of a host.
type Break struct {
	At, For time.Duration
	Host    int
	Verb    BreakVerb
}

// BreakVerb is what happens to a host.
type BreakVerb string

// The faults of hosts.
const (
	Down     BreakVerb = "down"          // everything on it is killed; it refuses connections
	CutShort BreakVerb = "sessions lost" // what runs is killed; it accepts connections again at once
)

const (
	// freezeLeast is longer than the executors' default AckWait (6 s), so that another one takes the jobs of whoever is
	// frozen before it wakes up.
	freezeLeast, freezeMost = 7 * time.Second, 11 * time.Second
	brokerPause             = 20 * time.Second // between two faults of the broker, on average
	breakPause              = 6 * time.Second  // between two faults of hosts, on average
	strikePause             = 1200 * time.Millisecond
	mostHosts               = 10 // of one deployment
)

// NewScript draws a script.
func NewScript(seed uint64, size Size) Script {
	stream := func(n uint64) dice {
		return dice{rand.New(rand.NewPCG(seed, n)), size.Frail} //nolint:gosec // it must follow from the seed
	}
	return Script{Orders: orders(stream(1), size), Strikes: strikes(stream(2), size), Breaks: breaks(stream(3), size)}
}

// orders spreads the deployments over the time of the faults, so that the last ones have some of them too.
func orders(d dice, size Size) []Order {
	all := make([]Order, size.Deployments)
	for n, k := range drawKinds(d, size.Deployments) {
		o := Order{
			At: d.between(0, size.Duration*9/10), Kind: k.name, Version: d.IntN(size.Versions),
			Hosts: d.Perm(size.Hosts)[:d.from(2, min(mostHosts, size.Hosts))], Gateway: d.IntN(size.Gateways),
			Repeat: d.IntN(4) == 0, Course: body{}, Begins: -1,
		}
		k.draft(&o, d)
		all[n] = o
	}
	slices.SortStableFunc(all, func(a, b Order) int { return cmp.Compare(a.At, b.At) })
	return all
}

// drawKinds returns so many kinds: each once, as far as they go, and then by their weights.
func drawKinds(d dice, n int) []kind {
	drawn := slices.Clone(kinds)
	d.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	var urn []kind
	for _, k := range kinds {
		urn = append(urn, slices.Repeat([]kind{k}, k.weight)...)
	}
	for len(drawn) < n {
		drawn = append(drawn, urn[d.IntN(len(urn))])
	}
	return drawn[:n]
}

// strikes has something happen to some process every now and then, but to none that something is happening to.
func strikes(d dice, size Size) []Strike {
	var all []Strike
	for at := strikePause; at < size.Duration; at += d.between(strikePause/4, strikePause*7/4) {
		s := Strike{At: at, For: d.between(0, 3*time.Second), Victim: size.Workers[d.IntN(len(size.Workers))], Verb: Kill}
		if d.IntN(5) < 2 {
			s.For, s.Verb = d.between(freezeLeast, freezeMost), Freeze
		}
		if !slices.ContainsFunc(all, func(other Strike) bool { return other.Victim == s.Victim && other.At+other.For >= s.At }) {
			all = append(all, s)
		}
	}
	for at := brokerPause / 4; at < size.Duration; at += d.between(brokerPause/2, brokerPause*3/2) {
		s := Strike{At: at, For: d.between(0, 3*time.Second), Victim: size.Broker, Verb: Kill}
		if d.IntN(2) == 0 {
			s.Verb = Restart
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b Strike) int { return cmp.Compare(a.At, b.At) })
	return all
}

func breaks(d dice, size Size) []Break {
	var all []Break
	free := make([]time.Duration, size.Frail) // when each host is over its last fault
	for at := breakPause / 3; at < size.Duration && size.Frail > 0; at += d.between(breakPause/2, breakPause*3/2) {
		b := Break{At: at, Host: d.IntN(size.Frail), Verb: CutShort}
		if d.IntN(2) == 0 {
			b.Verb, b.For = Down, d.between(4*time.Second, 15*time.Second)
		}
		if b.At > free[b.Host] {
			free[b.Host] = b.At + b.For
			all = append(all, b)
		}
	}
	return all
}

func (s Strike) String() string {
	return fmt.Sprintf("%s: %s of %s for %s", s.At.Round(time.Millisecond), s.Verb, s.Victim, s.For.Round(time.Millisecond))
}

func (b Break) String() string {
	return fmt.Sprintf("%s: host %d %s for %s", b.At.Round(time.Millisecond), b.Host, b.Verb, b.For.Round(time.Millisecond))
}
