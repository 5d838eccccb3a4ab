package gateway_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const batchPath = "/v1/deployments/batch"

// together is the body of a request for these deployments.
func together(all ...any) object { return object{"deployments": all} }

// became returns the deployment or the code of the problem of each of a batch, in order.
func (r *reply) became() []string {
	r.Helper()
	var all []string
	for _, item := range r.is(200).object()["items"].([]any) {
		item := item.(map[string]any)
		if d, ok := item["deployment"].(map[string]any); ok {
			all = append(all, d["id"].(string))
			continue
		}
		all = append(all, item["problem"].(map[string]any)["code"].(string))
	}
	return all
}

func TestEachOfABatchIsAcceptedOrRefusedByItself(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	f.fleet("a")
	f.shop("1")
	good := object{"project": "shop", "application": "shop", "version": "1", "servers": []string{"a"}}
	shop := f.as(f.tokenFor(grant("deployer", "shop")))
	res := shop.ask("many", request{method: "POST", path: batchPath, body: together(
		good, good.with(object{"version": "9"}), good.with(object{"project": "web"}), good.with(object{"dry_run": true}), good.with(object{"keep": 9}),
	)})
	got := res.became()
	require.Equal(t, []string{"invalid_request", "forbidden", "invalid_request"}, got[1:4])
	refused := res.object()["items"].([]any)
	wrong := refused[1].(map[string]any)["problem"].(map[string]any)
	require.Equal(t, "version", wrong["errors"].([]any)[0].(map[string]any)["field"], "as it is called there")
	require.Equal(t, "many", wrong["request_id"])
	require.Equal(t, "deployments.create", refused[2].(map[string]any)["problem"].(map[string]any)["permission"])

	require.EqualValues(t, 2, f.commands())
	require.Less(t, got[0], got[4], "they sort as they were asked for")
	for _, id := range []string{got[0], got[4]} {
		require.Equal(t, res.id(), f.command(id).Body.(contract.DeployCommand).Batch)
		require.Equal(t, res.id(), f.get("/v1/deployments/"+id).is(200).text("batch"))
		d := finished(id, "1", 1)
		d.Project, d.Batch = "shop", res.id()
		h.know(d)
	}
	h.know(finished("d3v5k1jq0s9c73a1b2c0", "1", 1))
	require.ElementsMatch(t, []string{got[0], got[4]}, f.get("/v1/deployments?batch="+res.id()).is(200).column("id"))
	require.Contains(t, f.get("/v1/deployments?batch=*").refused(422, "invalid_request"), "batch")

	var made []string
	for _, e := range f.concluded("many", 5) {
		require.Equal(t, "deployments.create", e.Action)
		require.Equal(t, e.Outcome == audit.Accepted, e.Asked > 0)
		if e.Outcome == audit.Accepted {
			made = append(made, e.Object.ID)
		}
	}
	require.ElementsMatch(t, []string{got[0], got[4]}, made)
}

func TestABatchThatNobodyCouldFollowIsRefusedAsAWhole(t *testing.T) {
	f := start(t)
	require.Contains(t, f.post(batchPath, object{}).refused(422, "invalid_request"), "deployments")
	require.Contains(t, f.post(batchPath, together()).refused(422, "invalid_request"), "deployments")
	require.Contains(t, f.post(batchPath, object{"deployments": 1}).refused(422, "invalid_request"), "deployments")
	require.Contains(t, f.post(batchPath, together(object{}, 1)).refused(422, "invalid_request"), "deployments[1]")
	require.Contains(t, f.post(batchPath, together(slices.Repeat([]any{object{}}, 101)...)).refused(422, "invalid_request"), "deployments")
	require.Contains(t, f.post(batchPath, object{"deployments": []object{{}}, "batch": "x"}).refused(422, "invalid_request"), "batch")
	web := f.as(f.tokenFor(grant("deployer", "web")))
	web.post(batchPath, together(object{"project": "shop"}, object{"project": "ci"})).refused(403, "forbidden")
	require.Zero(t, f.commands())
}

func TestARepeatOfABatchAsksAgainForWhatWasRefusedAlone(t *testing.T) {
	f := start(t)
	f.fleet("a")
	f.shop("1")
	one := object{"application": "shop", "version": "1", "servers": []string{"a"}}
	wanted := together(one, one.with(object{"version": "2"}))
	res := f.once("k", batchPath, wanted)
	first := res.became()
	require.Equal(t, "invalid_request", first[1])

	f.shop("2")
	res = f.once("k", batchPath, wanted)
	again := res.became()
	require.Empty(t, res.Header.Get("Idempotency-Replayed"))
	require.Equal(t, first[0], again[0])
	require.EqualValues(t, 2, f.commands())
	require.Equal(t, "2", f.command(again[1]).Body.(contract.DeployCommand).Package.Version)
	require.Equal(t, "true", f.once("k", batchPath, wanted).Header.Get("Idempotency-Replayed"))
}
