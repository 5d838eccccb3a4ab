package deploy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StrategyKind is how a deployment goes through its hosts.
type StrategyKind string

// The strategies.
const (
	AllAtOnce StrategyKind = "all"       // one wave of all hosts
	Serial    StrategyKind = "serial"    // one host after another
	Rolling   StrategyKind = "rolling"   // wave after wave of the same size
	Canary    StrategyKind = "canary"    // a small first wave, a verdict on it, then the rest
	BlueGreen StrategyKind = "blueGreen" // an idle set, a verdict on it, then traffic goes from one set to the other
)

// StrategyKinds returns every strategy there is.
func StrategyKinds() []StrategyKind {
	return []StrategyKind{AllAtOnce, Serial, Rolling, Canary, BlueGreen}
}

// DefaultMaxParallel is how many hosts of a deployment are at work at once
// unless it says otherwise.
const DefaultMaxParallel = 100

// Strategy says in which waves, and how fast, a deployment goes through its
// hosts. The zero value is AllAtOnce.
type Strategy struct {
	Kind        StrategyKind  `json:"kind,omitempty"`
	First       Amount        `json:"first,omitzero"`         // canary: the first wave
	Batch       Amount        `json:"batch,omitzero"`         // rolling, canary: the other waves; zero: for a canary all that is left
	Pause       time.Duration `json:"pause,omitempty"`        // between waves, ns
	MaxParallel int           `json:"max_parallel,omitempty"` // hosts at work at once; 0: DefaultMaxParallel
	MinHealthy  Amount        `json:"min_healthy,omitzero"`   // hosts that must neither be at work nor have failed
	Hold        time.Duration `json:"hold,omitempty"`         // canary, blueGreen: how long the verdict of a person is waited for, ns; 0: not at all
	Analysis    *Analysis     `json:"analysis,omitempty"`     // canary, blueGreen: measurements that judge it, before a person does
	Sets        []Set         `json:"sets,omitempty"`         // blueGreen: a wave each, of all targets in order
	Keep        time.Duration `json:"keep,omitempty"`         // blueGreen: how long the old set stays ready once traffic has left it, ns
}

// Amount is a number of hosts, or a share of them in percent. The zero value is
// none, or not given.
type Amount struct {
	Count   int `json:"count,omitempty"`
	Percent int `json:"percent,omitempty"`
}

// ParseAmount reads "12" or "25%".
func ParseAmount(s string) (Amount, error) {
	number, percent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || n < 0 || number != strconv.Itoa(n):
		return Amount{}, fmt.Errorf("%w: %q is neither a number of hosts nor a percentage such as 25%%", ErrInvalidPlan, s)
	case percent && n > 100:
		return Amount{}, fmt.Errorf("%w: %q is more than all hosts", ErrInvalidPlan, s)
	case percent:
		return Amount{Percent: n}, nil
	}
	return Amount{Count: n}, nil
}

// String is the text that ParseAmount reads.
func (a Amount) String() string {
	if a.Percent > 0 {
		return strconv.Itoa(a.Percent) + "%"
	}
	return strconv.Itoa(a.Count)
}

// Of is how many of so many hosts the amount is: a share is rounded down.
func (a Amount) Of(hosts int) int {
	if a.Percent > 0 {
		return hosts * a.Percent / 100
	}
	return min(a.Count, hosts)
}

// atLeastOne is Of for a wave, which cannot be empty.
func (a Amount) atLeastOne(hosts int) int { return max(a.Of(hosts), 1) }

// Plan returns the waves of a deployment of so many targets. The same strategy
// and number give the same plan.
func (s Strategy) Plan(targets int) Waves {
	w := Waves{Targets: max(targets, 0)}
	if w.Targets == 0 {
		return w
	}
	w.Size = w.Targets
	switch s.Kind {
	case BlueGreen:
		w.Size = 0
		for _, set := range s.Sets {
			w.Sets = append(w.Sets, set.Targets)
		}
	case Serial:
		w.Size = 1
	case Rolling:
		w.Size = s.Batch.atLeastOne(targets)
	case Canary:
		w.First = s.First.atLeastOne(targets)
		if s.Batch != (Amount{}) {
			w.Size = s.Batch.atLeastOne(targets)
		}
	}
	return w
}

// window is how many hosts may be at work at once when so many of all have
// failed. Where it is 0 nothing more may begin.
func (s Strategy) window(targets, failed int) int {
	most := s.MaxParallel
	if most <= 0 {
		most = DefaultMaxParallel
	}
	if s.MinHealthy != (Amount{}) {
		most = min(most, targets-s.MinHealthy.Of(targets)-failed)
	}
	return max(most, 0)
}
