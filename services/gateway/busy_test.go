package gateway_test

import (
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// snapshots is how many pieces of snapshots are stored.
func (f *fixture) snapshots() int {
	f.Helper()
	cells, err := bus.OpenCells[contract.SnapshotPiece](f.Context(), f.bus, contract.BucketSnapshots)
	require.NoError(f, err)
	keys, err := cells.Keys(f.Context(), ">")
	require.NoError(f, err)
	return len(keys)
}

func TestADeploymentThatIsNotToWaitIsRefusedWhereTooManyAreUnderWay(t *testing.T) {
	f := start(t)
	s := f.withScheduler()
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a"), "project": "checkout", "when_busy": "refuse"}
	res := f.once("k", "/v1/deployments", good)
	res.refused(429, "too_many_deployments")
	require.Contains(t, res.text("detail"), "2 deployments are under way")
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	require.Zero(t, f.commands())
	require.Zero(t, f.snapshots(), "nothing is left behind")
	f.post("/v1/deployments", good.with(object{"when_busy": "wait"})).is(202)
	f.post("/v1/deployments", good.with(object{"dry_run": true})).is(200)
	require.Equal(t, 1, s.asksForPlaces())

	s.makeRoom(1)
	id := f.once("k", "/v1/deployments", good).is(202).id()
	require.Equal(t, map[string]string{id: "checkout"}, s.places)
	require.Equal(t, id, f.once("k", "/v1/deployments", good).is(202).id())
	require.Equal(t, 2, s.asksForPlaces(), "a repeat gets the first answer")
	f.forgetAnswer()
	require.Equal(t, id, f.once("k", "/v1/deployments", good).is(202).id())
	require.Equal(t, 2, s.asksForPlaces(), "what was accepted has its place")

	f.remakeCommands()
	f.forgetAnswer()
	require.Equal(t, id, f.onceStored("k", "/v1/deployments", good).is(202).id(), "whoever has a place keeps it")
	require.Equal(t, 3, s.asksForPlaces())
	f.post("/v1/deployments", good).refused(429, "too_many_deployments")
}

func TestARetryMayBeRefusedAndARollbackNeedsNoPlace(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Deployments.WhenBusy = "refuse" })
	s := f.withScheduler()
	h, d, ids := f.rolled("a")
	failed := contract.TargetStatus{Host: ids[0], Name: "a", State: "failed"}
	d.Project, d.State, d.Package = "checkout", "failed", f.shop("2")
	h.know(d, failed)
	back := finished(xid.New().String(), "1", 1)
	back.Kind, back.Project, back.State, back.Package, back.RollbackOf, back.From = "rollback", "checkout", "failed", "", d.ID, "2"
	h.know(back, failed)
	retry := "/v1/deployments/" + d.ID + "/retry"
	f.post(retry, object{"when_busy": "refuse"}).refused(429, "too_many_deployments")
	f.post(retry, object{}).refused(429, "too_many_deployments")
	require.Zero(t, f.commands())
	night := object{"windows": []object{{"from": "22:00", "to": "06:00"}}}
	require.Contains(t, f.post(retry, object{"when_busy": "refuse", "calendar": night}).refused(422, "invalid_request"), "when_busy")

	for _, path := range []string{"/v1/deployments/" + d.ID + "/rollback", "/v1/deployments/" + back.ID + "/retry"} {
		res := f.post(path, object{"calendar": night, "timeouts": object{"host": "1h"}, "progress_deadline": "5m"}).is(202)
		require.Equal(t, "checkout", res.text("project"), "what follows a deployment is of its project")
		require.Equal(t, "checkout", f.command(res.id()).Project)
		policy := f.command(res.id()).Body.(contract.RollbackCommand).Policy
		require.Equal(t, "UTC", policy.Calendar.Zone)
		require.EqualValues(t, 3_600_000, policy.Limits.Host)
		require.EqualValues(t, 300_000, policy.Progress)
		require.Contains(t, f.post(path, object{"failures": object{"then": "rollback"}}).refused(422, "invalid_request"), "failures.then")
		f.post(path, object{}).is(202)
	}
	require.Contains(t, f.post("/v1/deployments/"+d.ID+"/rollback", object{"when_busy": "wait"}).refused(422, "invalid_request"), "when_busy")
	require.Equal(t, 2, s.asksForPlaces())

	s.makeRoom(1)
	res := f.post(retry, object{}).is(202)
	require.Equal(t, map[string]string{res.id(): "checkout"}, s.places)
}

func TestTheConfigurationMayRefuseWhereARequestDoesNotSay(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Deployments.WhenBusy = "refuse" })
	f.withScheduler()
	f.shop("1")
	good := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	f.post("/v1/deployments", good).refused(429, "too_many_deployments")
	f.post("/v1/deployments", good.with(object{"when_busy": "wait"})).is(202)
	f.post("/v1/deployments", good.with(object{"approval": object{}})).is(202) // no place can be kept for later
	for name, asked := range map[string]object{"refuse": {}, "wait": {"approval": object{}}} {
		require.Equal(t, name, f.post("/v1/deployments", good.with(object{"dry_run": true}).with(asked)).is(200).text("when_busy"))
	}
}

func TestWithoutASchedulerNoPlaceIsKept(t *testing.T) {
	f := start(t)
	f.shop("1")
	f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": f.fleet("a"), "when_busy": "refuse"}).
		refused(503, "unavailable")
	require.Zero(t, f.commands())
	require.Zero(t, f.snapshots())
}
