package rollouts

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// course is what executors were asked to do, in order.
type course struct {
	mu   sync.Mutex
	jobs []string // deploy n0, traffic green b0 …
}

func (c *course) take(m contract.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := "deploy"
	switch b := m.Body.(type) {
	case contract.RollbackJob:
		what = "rollback"
	case contract.TrafficJob:
		what = "traffic to " + b.To.Name
	case contract.RetireJob:
		what = "retire"
	}
	c.jobs = append(c.jobs, what+" "+m.Host)
}

func (c *course) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.jobs)
}

// twoSets is a deployment from two blue servers to two green ones behind one
// balancer, one host at a time.
func twoSets(keep int64) ([]contract.Target, contract.Policy) {
	targets := slices.Concat(servers("green", 2), servers("lb", 1), servers("blue", 2))
	return targets, contract.Policy{
		Strategy: contract.Strategy{
			Type: "blueGreen", MaxParallel: 1, Keep: keep,
			Sets: []contract.Set{{Role: "new", Targets: 2}, {Role: "balancer", Targets: 1}, {Role: "old", Targets: 2}},
			BlueGreen: &contract.BlueGreen{
				From:    contract.ServerSet{Name: "blue", Servers: []string{"blue0", "blue1"}},
				To:      contract.ServerSet{Name: "green", Servers: []string{"green0", "green1"}},
				Traffic: contract.Traffic{Command: "switch"}, Retire: "stop",
			},
		},
		Failures: contract.Failures{Then: "rollback"},
	}
}

// watched is a system whose executors note what they are asked for. Their jobs end as
// decide says; well, where there is none.
func watched(t *testing.T, decide func(contract.Message) deploy.State) (*system, *course) {
	t.Helper()
	s, c := newSystem(t), &course{}
	s.replica()
	s.executors(func(m contract.Message) deploy.State {
		c.take(m)
		if decide == nil {
			return deploy.Succeeded
		}
		return decide(m)
	})
	return s, c
}

// held has a deployment come to where a verdict on it is waited for.
func (s *system) held(targets []contract.Target, policy contract.Policy) (id string) {
	s.t.Helper()
	id = s.deployAs(targets, policy)
	s.status(id, deploy.Holding)
	return id
}

func TestTrafficGoesFromOneSetToTheOther(t *testing.T) {
	s, c := watched(t, func(m contract.Message) deploy.State {
		if job, ok := m.Body.(contract.TrafficJob); ok {
			require.Equal(t, "switch", job.Traffic.Command)
			require.Equal(t, "1.0", job.Version)
			require.Equal(t, []string{"blue0", "blue1"}, job.From.Servers)
		}
		if job, ok := m.Body.(contract.RetireJob); ok {
			require.Equal(t, "stop", job.Command)
		}
		return deploy.Succeeded
	})
	s.replica() // two share the work
	targets, policy := twoSets(3_600_000)
	id := s.deployAs(targets, policy)
	kept := s.status(id, deploy.Holding)
	require.Equal(t, string(deploy.CauseSwitched), kept.Cause)
	require.NotNil(t, kept.Until)
	require.Equal(t, []string{"deploy green0", "deploy green1", "traffic to green lb0"}, c.all())

	s.requireDone(id, "promote", deploy.Running)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)
	require.Equal(t, []string{"retire blue0", "retire blue1"}, c.all()[3:])
}

func TestTrafficGoesBackBeforeTheNewSetDoes(t *testing.T) {
	s, c := watched(t, nil)
	targets, policy := twoSets(3_600_000)
	id := s.held(targets, policy)
	require.IsType(t, contract.Controlled{}, s.ask(id, "reject"))
	end := s.conclusion(id)
	require.Equal(t, string(deploy.CauseSwitchRejected), end.Cause)
	require.Contains(t, end.Reason, "was taken back")
	require.Equal(t, []string{"traffic to blue lb0", "rollback green1", "rollback green0"}, c.all()[3:])
	require.Equal(t, deploy.Skipped, s.requireWhole(id, targets)["blue0"], "the old set is not retired")

	by, command := s.revertOf(id)
	require.Equal(t, []contract.Set{{Role: "balancer", Targets: 1}, {Role: "new", Targets: 2}}, command.Policy.Strategy.Sets)
	require.Equal(t, "succeeded", s.conclusion(by).State)
}

func TestANewSetThatFailsGetsNoTraffic(t *testing.T) {
	s, c := watched(t, func(m contract.Message) deploy.State {
		if m.Host == "green1" {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	targets, policy := twoSets(0)
	end := s.conclusion(s.deployAs(targets, policy))
	require.Equal(t, string(deploy.CauseBudget), end.Cause)
	require.Equal(t, []string{"deploy green0", "deploy green1", "rollback green0"}, c.all())
}

func TestTheNewSetStaysWhereTrafficDoesNotGoBack(t *testing.T) {
	s, c := watched(t, func(m contract.Message) deploy.State {
		if job, ok := m.Body.(contract.TrafficJob); ok && job.To.Name == "blue" {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	targets, policy := twoSets(3_600_000)
	id := s.held(targets, policy)
	require.IsType(t, contract.Controlled{}, s.ask(id, "reject"))
	require.Contains(t, s.conclusion(id).Reason, "NOT all")
	require.Equal(t, []string{"traffic to blue lb0"}, c.all()[3:])
}

func TestABalancerCannotBeSkipped(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets, policy := twoSets(0)
	id := s.deployAs(targets, policy)
	s.status(id, deploy.Running)
	no := s.question(contract.Controls, contract.Envelope{Deployment: id}, contract.Control{
		Verb: "skip", Actor: "bob", Skip: []contract.PlannedTarget{{Host: "lb0", Name: "lb", Wave: 1}},
	})
	require.Equal(t, contract.RefusedConflict, no.(contract.Refused).Code)
}

// switchedBy has a later deployment bring up another set and switch the balancer.
func (s *system) switchedBy(policy contract.Policy) string {
	s.t.Helper()
	policy.Strategy.Sets = policy.Strategy.Sets[:2]
	id := s.deployAs(slices.Concat(servers("red", 2), servers("lb", 1)), policy)
	require.Equal(s.t, "succeeded", s.conclusion(id).State)
	return id
}

func TestABalancerThatAnotherHasSwitchedSinceIsLeftAlone(t *testing.T) {
	s, c := watched(t, nil)
	targets, policy := twoSets(3_600_000)
	id := s.held(targets, policy)
	_, later := twoSets(0)
	later.Strategy.BlueGreen.To.Name = "red"
	by := s.switchedBy(later)
	require.IsType(t, contract.Controlled{}, s.ask(id, "reject"))
	require.Contains(t, s.conclusion(id).Reason, "NOT all")
	require.Equal(t, "traffic to red lb0", c.all()[len(c.all())-1], "nothing goes back under traffic")

	back, _ := s.revertOf(id)
	require.Equal(t, "failed", s.conclusion(back).State)
	states := s.requireWhole(back, []contract.Target{targets[2], targets[1], targets[0]})
	require.Equal(t, map[string]deploy.State{"lb0": deploy.Failed, "green0": deploy.Skipped, "green1": deploy.Skipped}, states)
	_, m, err := s.last(contract.JobEventSubject(back, "lb0"))
	require.NoError(t, err)
	require.Equal(t, contract.FailSuperseded, m.Body.(contract.JobEndedEvent).Failure.Code)
	require.Contains(t, m.Body.(contract.JobEndedEvent).Failure.Reason, by)
}

func TestABalancerMayServeOthersMeanwhile(t *testing.T) {
	s, c := watched(t, nil)
	targets, policy := twoSets(3_600_000)
	policy.Strategy.BlueGreen.Traffic = contract.Traffic{HAProxy: &contract.HAProxy{Socket: "/s", Backend: "shop"}}
	id := s.held(targets, policy)
	_, other := twoSets(0)
	other.Strategy.BlueGreen.Traffic = contract.Traffic{HAProxy: &contract.HAProxy{Socket: "/s", Backend: "blog"}}
	s.switchedBy(other)
	require.Equal(t, "succeeded", s.conclusion(s.deploy(targets[2:3], 0)).State) // what runs on the balancer itself
	require.IsType(t, contract.Controlled{}, s.ask(id, "reject"))
	require.Contains(t, s.conclusion(id).Reason, "was taken back")
	require.Equal(t, []string{"traffic to blue lb0", "rollback green1", "rollback green0"}, c.all()[len(c.all())-3:])
}

func TestAnOldHostThatAnotherHasBegunOnSinceIsNotRetired(t *testing.T) {
	s, c := watched(t, nil)
	targets, policy := twoSets(3_600_000)
	require.Equal(t, "succeeded", s.conclusion(s.deploy(targets[4:], 0)).State, "before traffic leaves it")
	id := s.held(targets, policy)
	require.Equal(t, "succeeded", s.conclusion(s.deploy(targets[3:4], 0)).State)
	require.IsType(t, contract.Controlled{}, s.ask(id, "promote"))
	require.Equal(t, "succeeded", s.conclusion(id).State)
	require.Equal(t, deploy.Skipped, s.requireWhole(id, targets)["blue0"])
	require.Equal(t, "retire blue1", c.all()[len(c.all())-1])
	require.NotContains(t, c.all(), "retire blue0")
}
