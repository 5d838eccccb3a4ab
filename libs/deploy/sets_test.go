package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// blueGreen is a policy of three new hosts, two balancers and, where they are to be
// retired, three old hosts.
func blueGreen(keep time.Duration, retire bool) (targets int, p deploy.Policy) {
	p.Strategy = deploy.Strategy{Kind: deploy.BlueGreen, Keep: keep, Sets: []deploy.Set{
		{Role: deploy.RoleNew, Targets: 3}, {Role: deploy.RoleBalancer, Targets: 2},
	}}
	p.Budget.Then = deploy.OverrunReverts
	if !retire {
		return 5, p
	}
	p.Strategy.Sets = append(p.Strategy.Sets, deploy.Set{Role: deploy.RoleOld, Targets: 3})
	return 8, p
}

// ended ends the current wave.
func ended(r deploy.Rollout, how deploy.Tally) deploy.Rollout {
	r = r.Dispatched(r.Wave, r.Let)
	return r.Note(r.Wave, 0, how, noon)
}

// switched is a rollout whose traffic goes to the new set.
func switched(t *testing.T, keep time.Duration, retire bool) deploy.Rollout {
	t.Helper()
	targets, p := blueGreen(keep, retire)
	p.Deadline = time.Minute
	r := ended(begun(t, targets, p), deploy.Tally{Succeeded: 3})
	require.Equal(t, deploy.Range{First: 3, Count: 2}, r.Current())
	return ended(r, deploy.Tally{Succeeded: 2})
}

func TestTheOldSetIsKeptForATimeAndThenRetired(t *testing.T) {
	r := switched(t, 10*time.Minute, true)
	until := noon.Add(10 * time.Minute)
	require.Equal(t, deploy.Status{State: deploy.Holding, Cause: deploy.CauseSwitched, Until: until}, r.Status())
	require.Equal(t, until, r.Wake(), "no deadline ends what traffic has gone to")
	require.Equal(t, r, r.Tick(until.Add(-1)))
	r = r.Tick(until)
	require.Equal(t, deploy.Range{First: 5, Count: 3}, r.Current())
	require.Equal(t, 3, r.Let)
	r = ended(r, deploy.Tally{Succeeded: 2, Failed: 1})
	require.Equal(t, deploy.Finishing, r.Phase, "a host that is not retired takes nothing back")
	require.Equal(t, deploy.Ending{State: deploy.Failed, Cause: deploy.CauseHosts}, r.Outcome())
}

func TestADeploymentThatRetiresNothingEndsWithTheTimeOfItsOldSet(t *testing.T) {
	require.Equal(t, deploy.Finishing, switched(t, 0, false).Phase)
	r := switched(t, time.Minute, false)
	require.Equal(t, deploy.Holding, r.Status().State)
	require.Equal(t, r, r.Note(1, 0, deploy.Tally{Succeeded: 2}, noon), "a repeat")
	r = r.Tick(noon.Add(time.Minute))
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Succeeded, r.Outcome().State)
}

func TestAPersonEndsTheTimeOfTheOldSetOrGoesBackToIt(t *testing.T) {
	for _, retire := range []bool{true, false} {
		kept := switched(t, time.Hour, retire)
		on := control(t, kept, deploy.Control{Verb: deploy.Promote, By: "ada"})
		require.Equal(t, retire, on.Phase == deploy.Dispatching)
		require.Equal(t, !retire, on.Phase == deploy.Finishing)
		if retire {
			require.Equal(t, on, control(t, on, deploy.Control{Verb: deploy.Promote, By: "bob"}))
			_, err := on.Control(deploy.Control{Verb: deploy.Reject, By: "ada"}, noon)
			require.Error(t, err, "what is being retired cannot be gone back to")
		}

		kept.Policy.Budget.Then = deploy.OverrunStops // which says what follows a failure, and this is none
		back := control(t, kept, deploy.Control{Verb: deploy.Reject, By: "ada", Reason: "slow"})
		require.Equal(t, back, control(t, back, deploy.Control{Verb: deploy.Reject, By: "ada"}))
		back = back.Stopped(deploy.Tally{})
		require.Equal(t, deploy.GoingBack, back.Phase)
		require.True(t, deploy.Reversible(back.Policy.Strategy.Kind, back.Policy.Budget.Then))
		require.Equal(t, deploy.CauseSwitchRejected, back.Status().Cause)
		require.Equal(t, deploy.Failed, back.Reverted(deploy.Succeeded).Outcome().State, "though no host failed")
	}
}

func TestACancelLeavesTrafficWhereItIs(t *testing.T) {
	r := control(t, switched(t, time.Hour, true), deploy.Control{Verb: deploy.Cancel, By: "ada"}).Stopped(deploy.Tally{})
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Cancelled, r.Outcome().State)
	require.Equal(t, deploy.Tally{Succeeded: 5, Cancelled: 3}, r.Ended())
}

func TestTheNewSetIsJudgedBeforeItGetsTraffic(t *testing.T) {
	targets, p := blueGreen(time.Hour, true)
	p.Strategy.Hold = time.Hour
	r := ended(begun(t, targets, p), deploy.Tally{Succeeded: 3})
	require.Equal(t, deploy.Status{State: deploy.Holding, Cause: deploy.CauseCanary, Until: noon.Add(time.Hour)}, r.Status())
	late := r.Tick(noon.Add(time.Hour))
	require.Equal(t, "nobody judged the new set in time", late.Status().Reason)
	require.Equal(t, deploy.GoingBack, late.Stopped(deploy.Tally{}).Phase)

	r = ended(control(t, r, deploy.Control{Verb: deploy.Promote, By: "ada"}), deploy.Tally{Succeeded: 2})
	require.Equal(t, deploy.CauseSwitched, r.Status().Cause, "to promote the new set does not end the time of the old one")
}

func TestWhatMayFailOfASet(t *testing.T) {
	targets, p := blueGreen(0, true)
	one := ended(begun(t, targets, p), deploy.Tally{Succeeded: 2, Failed: 1})
	require.Equal(t, deploy.CauseBudget, one.Status().Cause, "the new set is to be whole")

	p.Budget.Total = &deploy.Amount{Percent: 100}
	r := ended(begun(t, targets, p), deploy.Tally{Succeeded: 1, Failed: 2})
	require.Equal(t, 1, r.Wave, "unless something else was asked for")
	none := ended(begun(t, targets, p), deploy.Tally{Failed: 3})
	require.Equal(t, deploy.CauseUnhealthy, none.Status().Cause, "but traffic never goes to nobody")

	p.Budget.SkipUnreachable = true
	half := ended(r, deploy.Tally{Succeeded: 1, Failed: 1})
	require.Equal(t, deploy.CauseBudget, half.Status().Cause, "every balancer must switch")
	half.Policy = p
	require.True(t, half.Excuses(0))
	require.False(t, half.Excuses(1))
	_, p = blueGreen(0, false)
	p.Budget.Then = deploy.OverrunStops
	last := ended(ended(begun(t, 5, p), deploy.Tally{Succeeded: 3}), deploy.Tally{Succeeded: 1, Failed: 1})
	require.Equal(t, deploy.CauseBudget, last.Status().Cause, "also where nothing comes after them")
}

func TestSetsMustMakeUpTheTargets(t *testing.T) {
	targets, p := blueGreen(0, true)
	for n, with := range map[int]deploy.Policy{
		targets + 1: p,
		3:           {Strategy: deploy.Strategy{Kind: deploy.BlueGreen}},
		4:           {Strategy: deploy.Strategy{Kind: deploy.Serial, Sets: []deploy.Set{{Role: deploy.RoleNew, Targets: 4}}}},
		1:           {Strategy: deploy.Strategy{Kind: deploy.BlueGreen, Sets: []deploy.Set{{Targets: 2}, {Targets: -1}}}},
	} {
		_, err := deploy.NewRollout(n, with, "ada")
		require.ErrorIs(t, err, deploy.ErrInvalidPlan)
	}
}

func TestTheHealthOfTheNewSetIsItsOwn(t *testing.T) {
	targets, p := blueGreen(0, true)
	p.Strategy.MinHealthy = deploy.Amount{Count: 2}
	r := begun(t, targets, p)
	require.Equal(t, 1, r.Let)
	r = r.Note(0, 0, deploy.Tally{Succeeded: 3}, noon)
	require.Equal(t, 2, r.Let, "balancers have none")
}
