package gateway_test

import (
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// broken prepares a deployment of version 2 that failed on b and d, was not begun
// on e, and succeeded on a and c.
func (f *fixture) broken() (h *history, d contract.Deployment, ids []string) {
	f.Helper()
	h, d, ids = f.rolled("a", "b", "c", "d", "e")
	d.State, d.Package = "failed", f.shop("2")
	var targets []contract.TargetStatus
	for i, state := range []string{"succeeded", "failed", "succeeded", "failed", "skipped"} {
		targets = append(targets, contract.TargetStatus{Host: ids[i], Name: string(rune('a' + i)), State: state, Attempt: 1})
	}
	h.know(d, targets...)
	return h, d, ids
}

func TestARetryGoesToTheServersThatFailedAlone(t *testing.T) {
	f := start(t)
	_, d, ids := f.broken()
	path := "/v1/deployments/" + d.ID + "/retry"
	f.patch("/v1/servers/"+ids[1], object{"address": "moved.example.com"}).is(200)

	res := f.send(request{method: "POST", path: path}).is(202)
	require.Equal(t, "/v1/deployments/"+res.id(), res.Header.Get("Location"))
	require.Equal(t, d.ID, res.text("retry_of"))
	require.Equal(t, "deploy", res.text("kind"))
	require.Equal(t, []string{ids[1], ids[3]}, f.targetsOf(res.id()))
	command := f.command(res.id()).Body.(contract.DeployCommand)
	require.Equal(t, d.ID, command.RetryOf)
	require.Equal(t, d.Package, command.Package.ID)
	require.Equal(t, contract.Application{Name: "shop", Path: "/srv/shop", Keep: 100}, command.Application)
	require.Equal(t, contract.Policy{Strategy: contract.Strategy{Type: "all"}, Progress: 600_000}, command.Policy)
	require.Equal(t, "moved.example.com", f.pieces(command.Snapshot)[0][0].Address, "addresses are today's")
	require.JSONEq(t, string(res.raw), string(f.get("/v1/deployments/"+res.id()).is(200).raw))

	slowly := f.post(path, object{"strategy": object{"type": "serial"}, "failures": object{"total": "50%"}}).is(202)
	require.EqualValues(t, 2, slowly.object()["waves"])
	require.Equal(t, contract.Policy{
		Strategy: contract.Strategy{Type: "serial"}, Failures: contract.Failures{Total: "50%"}, Progress: 600_000,
	}, f.command(slowly.id()).Body.(contract.DeployCommand).Policy)
}

func TestADeploymentCanBeDoneOnceMoreOnAllServersThatItWasBegunOn(t *testing.T) {
	f := start(t)
	h, d, ids := f.broken()
	again := f.post("/v1/deployments/"+d.ID+"/retry", object{"all": true}).is(202)
	require.Equal(t, ids[:4], f.targetsOf(again.id()), "but for the one that was skipped")
	require.Equal(t, d.ID, again.text("retry_of"))
	d.State = "succeeded"
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded", Attempt: 1})
	f.post("/v1/deployments/"+d.ID+"/retry", object{"all": false}).refused(409, "nothing_to_do")
	require.Equal(t, ids[:1], f.targetsOf(f.post("/v1/deployments/"+d.ID+"/retry", object{"all": true}).is(202).id()))
}

func TestARollbackCanBeTriedAgain(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a", "b")
	of := xid.New().String()
	d.Kind, d.State, d.Package, d.RollbackOf, d.From, d.Version = "rollback", "cancelled", "", of, "2", "1"
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "cancelled", Attempt: 1},
		contract.TargetStatus{Host: ids[1], Name: "b", State: "failed", Attempt: 1})
	res := f.post("/v1/deployments/"+d.ID+"/retry", object{}).is(202)
	require.Equal(t, "rollback", res.text("kind"))
	require.Equal(t, ids[1:], f.targetsOf(res.id()))
	command := f.command(res.id()).Body.(contract.RollbackCommand)
	require.Equal(t, []string{of, "2", "1", d.ID}, []string{command.Of, command.From, command.To, command.RetryOf})
}

func TestWhatCannotBeTriedAgain(t *testing.T) {
	f := start(t)
	path := "/v1/deployments/" + xid.New().String() + "/retry"
	f.post(path, object{}).refused(503, "unavailable")
	h, d, ids := f.broken()
	f.post(path, object{}).refused(404, "not_found")
	path = "/v1/deployments/" + d.ID + "/retry"

	running, well := finished(xid.New().String(), "2", 1), finished(xid.New().String(), "2", 1)
	running.State = "stopping"
	h.know(running, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed"})
	h.know(well, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded"})
	f.post("/v1/deployments/"+running.ID+"/retry", object{}).refused(409, "not_finished")
	f.post("/v1/deployments/"+well.ID+"/retry", object{}).refused(409, "nothing_to_do")

	bad := f.post(path, object{
		"strategy": object{"type": "all", "min_healthy": 2}, "failures": object{"then": "wait"}, "servers": []string{"a"}, "approval": object{},
	}).refused(422, "invalid_request")
	for _, name := range []string{"strategy.min_healthy", "failures.then", "servers", "approval"} {
		require.Contains(t, bad, name)
	}
	f.patch("/v1/servers/"+ids[3], object{"first_contact": false}).is(200)
	require.Contains(t, f.post(path, object{}).refused(422, "invalid_request")["servers"], `"d"`)

	f.delete("/v1/servers/" + ids[1]).is(204)
	gone := f.post(path, object{}).refused(409, "servers_deleted")
	require.Contains(t, gone["servers"], `"b"`)
	require.Contains(t, gone["servers"], ids[1])
	require.Zero(t, f.commands())
}

func TestARetryNeedsThePackage(t *testing.T) {
	f := start(t)
	_, d, _ := f.broken()
	f.delete("/v1/packages/" + d.Package).is(204)
	f.post("/v1/deployments/"+d.ID+"/retry", object{}).refused(409, "package_deleted")
}
