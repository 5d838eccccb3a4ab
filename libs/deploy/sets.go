package deploy

import (
	"fmt"
	"time"
)

// Role is what the hosts of a set are to a deployment that goes by sets.
type Role string

// The roles. A host of any other deployment has none.
const (
	RoleNew      Role = "new"      // brought up, to take the traffic
	RoleBalancer Role = "balancer" // sends traffic to one set or the other
	RoleOld      Role = "old"      // retired once the traffic has left it
)

// Set is a wave of hosts with one role.
type Set struct {
	Role    Role `json:"role"`
	Targets int  `json:"targets"`
}

// checkSets says whether the strategy goes by sets just if it must, and by sets
// that these targets make up.
func (s Strategy) checkSets(targets int) error {
	sum := 0
	for _, set := range s.Sets {
		if set.Targets <= 0 {
			return fmt.Errorf("%w: a set without hosts", ErrInvalidPlan)
		}
		sum += set.Targets
	}
	if (s.Kind == BlueGreen) != (len(s.Sets) > 0) || len(s.Sets) > 0 && sum != targets {
		return fmt.Errorf("%w: sets of %d hosts for %d targets of the strategy %q", ErrInvalidPlan, sum, targets, s.Kind)
	}
	return nil
}

// roleOf is the role of the hosts of a wave; "" where they have none.
func (s Strategy) roleOf(wave int) Role {
	if wave >= 0 && wave < len(s.Sets) {
		return s.Sets[wave].Role
	}
	return ""
}

func (r Rollout) role() Role { return r.Policy.Strategy.roleOf(r.Wave) }

// Excuses says whether failures of hosts of this wave that cannot be reached may
// be left out of account. A balancer that still sends traffic to the old set
// cannot.
func (r Rollout) Excuses(wave int) bool {
	return r.Policy.Budget.SkipUnreachable && r.Policy.Strategy.roleOf(wave) != RoleBalancer
}

// window is how many hosts of the current wave may be at work at once. A host that
// failed is not healthy, whoever has accepted that, and however it failed. Of sets,
// the new one alone has a health to keep: no traffic goes to it yet, but it will.
func (r Rollout) window() int {
	s := r.Policy.Strategy
	switch r.role() {
	case "":
		return s.window(r.Targets(), r.Ended().Failed)
	case RoleNew:
		return s.window(r.Current().Count, r.inWave().Failed)
	}
	s.MinHealthy = Amount{}
	return s.window(r.Current().Count, 0)
}

// overBudget says whether more hosts have failed than may. A new set is counted by
// itself, and must be whole where nothing else was asked for. Traffic that some
// balancers do not switch is never right. A host that is not retired harms nobody:
// it is told of, and the others go on.
func (r Rollout) overBudget() bool {
	b, inWave, wave := r.Policy.Budget, r.failedInWave(), r.Current().Count
	switch r.role() {
	case "":
		return b.spent(wave, inWave, r.Targets(), r.failed())
	case RoleNew:
		return b.spent(wave, inWave, wave, inWave) || b.Batch == nil && b.Total == nil && inWave > 0
	case RoleBalancer:
		return inWave > 0
	}
	return false
}

// switched notes that the traffic has left the old set, which is kept for a time.
// What follows is not in a hurry any more.
func (r Rollout) switched(now time.Time) Rollout {
	r.Deadline = time.Time{}
	if keep := r.Policy.Strategy.Keep; keep > 0 {
		r.Kept = now.Add(keep)
	}
	return r
}

// keeps says whether the traffic can still go back at once: the old set is ready,
// and nothing of it is retired.
func (r Rollout) keeps() bool { return !r.Kept.IsZero() && r.Phase == Held }

// allBegan says whether the last wave is over, and the rollout is not, because the
// old set is kept.
func (r Rollout) allBegan() bool { return r.Wave == r.Waves.Len() }

// candidate is what a verdict is about, in words.
func (r Rollout) candidate() string {
	if r.Policy.Strategy.Kind == BlueGreen {
		return "new set"
	}
	return "canary"
}
