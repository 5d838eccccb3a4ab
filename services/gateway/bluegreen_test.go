package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// sets registers two blue and two green servers behind one balancer, and returns
// their ids by name.
func (f *fixture) sets() map[string]string {
	f.Helper()
	ids := map[string]string{}
	for name, color := range map[string]string{"web-1": "blue", "web-2": "blue", "web-3": "green", "web-4": "green"} {
		labels := object{"role": "web", "color": color}
		ids[name] = f.post("/v1/servers", web(name).with(object{"labels": labels})).is(201).id()
	}
	ids["lb"] = f.post("/v1/servers", web("lb")).is(201).id()
	return ids
}

func toGreen(more object) object {
	strategy := object{
		"type": "blueGreen", "to": "green",
		"traffic": object{"servers": []string{"lb"}, "haproxy": object{"socket": "/run/haproxy/admin.sock", "backend": "shop"}},
	}
	return object{
		"application": "shop", "version": "1", "selector": object{"role": "web"}, "strategy": strategy.with(more),
	}
}

func TestADeploymentFromOneSetToTheOtherIsPlannedAndAccepted(t *testing.T) {
	f := start(t)
	f.shop("1")
	ids := f.sets()
	asked := toGreen(object{"retire": object{"command": "stop it"}, "keep": "1h", "hold": "30m", "max_parallel": 3, "min_healthy": 1})

	res := f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200)
	require.Equal(t, []string{"web-3 web-4", "lb", "web-1 web-2"}, as[plan](res).names())
	waves := res.object()["waves"].([]any)
	for n, want := range []object{
		{"role": "new", "steps": []any{"connect", "stage", "switch", "clean"}},
		{"role": "balancer", "steps": []any{"connect", "traffic"}},
		{"role": "old", "steps": []any{"connect", "retire"}},
	} {
		wave := waves[n].(map[string]any)
		require.Equal(t, want["role"], wave["role"])
		require.Equal(t, want["steps"], wave["steps"])
	}
	require.Equal(t, map[string]any{
		"type": "blueGreen", "label": "color", "to": "green", "keep": "1h0m0s", "hold": "30m0s", "max_parallel": 3.0, "min_healthy": "1",
		"traffic": map[string]any{
			"servers": []any{"lb"}, "haproxy": map[string]any{"socket": "/run/haproxy/admin.sock", "backend": "shop"},
		},
		"retire": map[string]any{"command": "stop it"},
	}, res.object()["strategy"])

	accepted := f.post("/v1/deployments", asked).is(202)
	require.EqualValues(t, 3, accepted.object()["waves"])
	require.Equal(t, []string{ids["web-3"], ids["web-4"], ids["lb"], ids["web-1"], ids["web-2"]}, f.targetsOf(accepted.id()))
	policy := f.command(accepted.id()).Body.(contract.DeployCommand).Policy
	require.Equal(t, contract.Policy{
		Strategy: contract.Strategy{
			Type: "blueGreen", Hold: 1_800_000, Keep: 3_600_000, MaxParallel: 3, MinHealthy: "1",
			Sets: []contract.Set{{Role: "new", Targets: 2}, {Role: "balancer", Targets: 1}, {Role: "old", Targets: 2}},
			BlueGreen: &contract.BlueGreen{
				From:    contract.ServerSet{Name: "blue", Servers: []string{"web-1", "web-2"}},
				To:      contract.ServerSet{Name: "green", Servers: []string{"web-3", "web-4"}},
				Traffic: contract.Traffic{HAProxy: &contract.HAProxy{Socket: "/run/haproxy/admin.sock", Backend: "shop"}},
				Retire:  "stop it",
			},
		},
		Failures: contract.Failures{Total: "0", Then: "rollback"}, Progress: 600_000,
	}, policy)

	plain := f.post("/v1/deployments", toGreen(nil)).is(202)
	require.EqualValues(t, 2, plain.object()["waves"], "nothing is retired unless that is asked for")
	require.EqualValues(t, 600_000, f.command(plain.id()).Body.(contract.DeployCommand).Policy.Strategy.Keep)
}

func TestWhatIsWrongWithTwoSetsIsSaid(t *testing.T) {
	f := start(t)
	f.shop("1")
	f.sets()
	f.post("/v1/servers", web("web 5").with(object{"labels": object{"role": "wide", "color": "green"}})).is(201)
	f.post("/v1/servers", web("web-6").with(object{"labels": object{"color": "red"}})).is(201)
	command := func(servers ...string) object {
		return object{"traffic": object{"servers": servers, "command": "switch"}}
	}
	for name, c := range map[string]struct {
		asked object
		wrong []string
	}{
		"no set":               {toGreen(object{"to": nil}), []string{"strategy.to"}},
		"another set":          {toGreen(object{"to": "gold"}), []string{"servers", "servers", "strategy.to"}},
		"no traffic":           {toGreen(object{"traffic": nil}), []string{"strategy.traffic"}},
		"no way":               {toGreen(object{"traffic": object{"servers": []string{"lb"}}}), []string{"strategy.traffic.haproxy"}},
		"no balancer":          {toGreen(command()), []string{"strategy.traffic.servers"}},
		"an unknown balancer":  {toGreen(command("lb", "lb-2")), []string{"strategy.traffic.servers[1]"}},
		"a server as balancer": {toGreen(command("web-1")), []string{"strategy.traffic.servers"}},
		"two ways": {toGreen(object{"traffic": object{
			"servers": []string{"lb"}, "command": "x", "haproxy": object{"socket": "/s", "backend": "b"},
		}}), []string{"strategy.traffic.haproxy"}},
		"bad names": {toGreen(object{"traffic": object{
			"servers": []string{"lb"}, "haproxy": object{"socket": "s", "backend": "b;show env"},
		}}), []string{"strategy.traffic.haproxy.socket", "strategy.traffic.haproxy.backend"}},
		"a blank command":       {toGreen(object{"retire": object{"command": " "}}), []string{"strategy.retire.command"}},
		"a strange field":       {toGreen(object{"pause": "1s", "first": 1}), []string{"strategy.pause", "strategy.first"}},
		"a field of its own":    {object{"application": "shop", "version": "1", "selector": object{"role": "web"}, "strategy": object{"type": "serial", "to": "green"}}, []string{"strategy.to"}},
		"servers of neither":    {toGreen(nil).with(object{"servers": []string{"web-6", "lb"}}), []string{"servers", "servers"}},
		"one set alone":         {toGreen(nil).with(object{"selector": nil, "servers": []string{"web-3"}}), []string{"servers"}},
		"a name for no haproxy": {toGreen(nil).with(object{"servers": []string{"web 5"}}), []string{"servers"}},
		"nothing to begin with": {toGreen(object{"min_healthy": 2}), []string{"strategy.min_healthy"}},
	} {
		wrong := f.post("/v1/deployments", c.asked).refused(422, "invalid_request")
		for _, field := range c.wrong {
			require.Contains(t, wrong, field, name)
		}
	}
	f.post("/v1/deployments", toGreen(command("lb")).with(object{"servers": []string{"web 5"}})).is(202)
}

func TestTheWayBackBeginsWithTheBalancers(t *testing.T) {
	f := start(t)
	f.shop("1")
	h, ids := f.withHistory(), f.sets()
	accepted := f.post("/v1/deployments", toGreen(object{"retire": object{"command": "stop"}, "max_parallel": 1})).is(202)
	f.begin(accepted.id())
	d := finished(accepted.id(), "1", 5)
	d.Strategy = "blueGreen"
	var targets []contract.TargetStatus
	for i, name := range []string{"web-3", "web-4", "lb", "web-1", "web-2"} {
		targets = append(targets, contract.TargetStatus{Target: i, Host: ids[name], Name: name, Wave: []int{0, 0, 1, 2, 2}[i], State: "succeeded", Attempt: 1})
	}
	h.know(d, targets...)
	path := "/v1/deployments/" + d.ID

	res := f.post(path+"/rollback", object{}).is(202)
	require.Equal(t, []string{ids["lb"], ids["web-3"], ids["web-4"]}, f.targetsOf(res.id()))
	back := f.command(res.id()).Body.(contract.RollbackCommand)
	require.Equal(t, contract.Strategy{
		Type: "blueGreen", MaxParallel: 1, Sets: []contract.Set{{Role: "balancer", Targets: 1}, {Role: "new", Targets: 2}},
		BlueGreen: &contract.BlueGreen{
			From:    contract.ServerSet{Name: "green", Servers: []string{"web-3", "web-4"}},
			To:      contract.ServerSet{Name: "blue", Servers: []string{"web-1", "web-2"}},
			Traffic: contract.Traffic{HAProxy: &contract.HAProxy{Socket: "/run/haproxy/admin.sock", Backend: "shop"}},
		},
	}, back.Policy.Strategy)
	_, err := back.Policy.Domain()
	require.NoError(t, err)

	require.Contains(t, f.post(path+"/rollback", object{"servers": []string{"web-3"}}).refused(422, "invalid_request"), "servers")
	require.Contains(t, f.post(path+"/rollback", object{"strategy": object{"type": "serial"}}).refused(422, "invalid_request"), "strategy")
	d.State = "failed"
	targets[0].State = "failed"
	h.know(d, targets...)
	f.post(path+"/retry", object{}).refused(409, "state_conflict")

	lost := finished("d4k2p8rme3rs73f1q0a0", "1", 1)
	lost.Strategy = "blueGreen"
	h.know(lost, targets[1])
	f.post("/v1/deployments/"+lost.ID+"/rollback", object{}).refused(409, "state_conflict")
}
