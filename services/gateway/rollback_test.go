package gateway_test

import (
	"fmt"
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// rolled prepares a finished deployment of version 2 on servers of these names.
func (f *fixture) rolled(names ...string) (h *history, d contract.Deployment, ids []string) {
	f.Helper()
	h, ids = f.withHistory(), f.fleet(names...)
	d = finished(xid.New().String(), "2", len(ids))
	var targets []contract.TargetStatus
	for i, name := range names {
		targets = append(targets, contract.TargetStatus{Host: ids[i], Name: name, State: "succeeded"})
	}
	h.know(d, targets...)
	return h, d, ids
}

func (f *fixture) targetsOf(deployment string) []string {
	f.Helper()
	var snapshot contract.Snapshot
	switch c := f.command(deployment).Body.(type) {
	case contract.DeployCommand:
		snapshot = c.Snapshot
	case contract.RollbackCommand:
		snapshot = c.Snapshot
	}
	var hosts []string
	for _, piece := range f.pieces(snapshot) {
		for _, target := range piece {
			hosts = append(hosts, target.Host)
		}
	}
	return hosts
}

func TestARollbackIsADeploymentOfItsOwn(t *testing.T) {
	f := start(t)
	_, d, ids := f.rolled("b", "a")
	f.patch("/v1/servers/"+ids[0], object{"address": "moved.example.com"}).is(200)
	path := "/v1/deployments/" + d.ID + "/rollback"

	res := f.send(request{method: "POST", path: path}).is(202)
	require.Equal(t, "/v1/deployments/"+res.id(), res.Header.Get("Location"))
	require.NotEqual(t, d.ID, res.id())
	require.Equal(t, "rollback", res.text("kind"))
	require.Equal(t, d.ID, res.text("rollback_of"))
	require.Equal(t, "2", res.text("from"))
	m := f.command(res.id())
	command := m.Body.(contract.RollbackCommand)
	require.Equal(t, contract.Application{Name: "shop", Path: "/srv/shop", Keep: 100}, command.Application,
		"the command of the deployment is gone: nothing more than that may be removed")
	require.Equal(t, ids, f.targetsOf(res.id()))
	require.Equal(t, "moved.example.com", f.pieces(command.Snapshot)[0][0].Address, "addresses are today's")
	require.JSONEq(t, string(res.raw), string(f.get("/v1/deployments/"+res.id()).is(200).raw))

	to := f.post(path, object{"to": "1", "servers": []string{"a"}}).is(202)
	require.Equal(t, "1", to.text("version"))
	require.Equal(t, ids[1:], f.targetsOf(to.id()))
}

func TestARollbackKeepsWhatItsDeploymentKept(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	ids := f.fleet("a")
	f.shop("2")
	id := f.post("/v1/deployments", object{"application": "shop", "version": "2", "servers": ids, "keep": 7}).is(202).id()
	d := finished(id, "2", 1)
	d.Seq = f.begin(id)
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded"})
	rollback := f.post("/v1/deployments/"+id+"/rollback", object{}).is(202).id()
	require.Equal(t, 7, f.command(rollback).Body.(contract.RollbackCommand).Application.Keep)
}

func TestARollbackLeavesOutWhatWasSkipped(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a", "b", "c")
	d.State = "failed"
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded"},
		contract.TargetStatus{Host: ids[1], Name: "b", State: "failed"}, contract.TargetStatus{Host: ids[2], Name: "c", State: "skipped"})
	id := f.post("/v1/deployments/"+d.ID+"/rollback", object{}).is(202).id()
	require.Equal(t, ids[:2], f.targetsOf(id))
}

func TestARollbackHasWhatWasCancelledAtWork(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a", "b", "c")
	d.State = "cancelled"
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded"},
		contract.TargetStatus{Host: ids[1], Name: "b", State: "cancelled", Attempt: 1},
		contract.TargetStatus{Host: ids[2], Name: "c", State: "cancelled"})
	rollback := f.post("/v1/deployments/"+d.ID+"/rollback", object{
		"strategy": object{"type": "serial", "pause": "2s"}, "failures": object{"total": 1},
	}).is(202)
	require.Equal(t, "serial", rollback.text("strategy"))
	require.Equal(t, ids[:2], f.targetsOf(rollback.id()))
	require.Equal(t, contract.Policy{
		Strategy: contract.Strategy{Type: "serial", Pause: 2000}, Failures: contract.Failures{Total: "1"}, Progress: 600_000,
	}, f.command(rollback.id()).Body.(contract.RollbackCommand).Policy)

	d.State = "rejected"
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "skipped"})
	f.post("/v1/deployments/"+d.ID+"/rollback", object{}).refused(409, "nothing_to_do")
}

func TestARollbackOfAFleetReadsEveryPage(t *testing.T) {
	f := start(t)
	names := make([]string, 501)
	for i := range names {
		names[i] = fmt.Sprint("s", i)
	}
	_, d, ids := f.rolled(names...)
	id := f.post("/v1/deployments/"+d.ID+"/rollback", object{}).is(202).id()
	require.Equal(t, ids, f.targetsOf(id))
}

func TestWhatCannotBeRolledBack(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a", "b")
	path := "/v1/deployments/" + d.ID + "/rollback"
	f.post("/v1/deployments/"+xid.New().String()+"/rollback", object{}).refused(404, "not_found")

	running := finished(xid.New().String(), "2", 1)
	running.State = "running"
	back := finished(xid.New().String(), "1", 1)
	back.Kind = "rollback"
	h.know(running)
	h.know(back)
	f.post("/v1/deployments/"+running.ID+"/rollback", object{}).refused(409, "not_finished")
	f.post("/v1/deployments/"+back.ID+"/rollback", object{}).refused(409, "not_a_deploy")

	f.fleet("stranger")
	bad := f.post(path, object{"to": "2", "servers": []string{"nobody"}, "keep": 1}).refused(422, "invalid_request")
	require.Contains(t, bad, "to")
	require.Contains(t, bad, "servers[0]")
	require.Contains(t, bad, "keep")
	require.Contains(t, f.post(path, object{"servers": []string{"stranger"}}).refused(422, "invalid_request"), "servers")
	require.Contains(t, f.post(path, object{"to": "-"}).refused(422, "invalid_request"), "to")

	f.patch("/v1/servers/"+ids[0], object{"first_contact": false}).is(200)
	require.Contains(t, f.post(path, object{}).refused(422, "invalid_request")["servers"], "a")
	f.patch("/v1/servers/"+ids[0], object{"first_contact": true}).is(200)

	f.delete("/v1/servers/" + ids[1]).is(204)
	gone := f.post(path, object{}).refused(409, "servers_deleted")
	require.Contains(t, gone["servers"], `"b"`)
	require.Contains(t, gone["servers"], ids[1])
	id := f.post(path, object{"servers": []string{"a"}}).is(202).id()
	require.Equal(t, ids[:1], f.targetsOf(id))
}
