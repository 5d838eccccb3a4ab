package gateway_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestWhatIsNotedOfADeploymentGoesWithItAndIsShown(t *testing.T) {
	f := start(t, withWebhooks(t))
	f.withScheduler()
	history := f.withHistory()
	rc := newReceiver(t, nil)
	ids := f.fleet("a")
	pkg := f.shop("1")
	noted := map[string]any{"ticket": "SHOP-42", "grund": "<ü>", "empty": ""}
	on := object{"servers": ids, "metadata": noted}
	wanted := on.with(object{"application": "shop", "version": "1", "callback_url": rc.URL})
	wire := []contract.Note{{Name: "empty"}, {Name: "grund", Value: "<ü>"}, {Name: "ticket", Value: "SHOP-42"}}

	first := f.post("/v1/deployments", wanted).is(202)
	require.Equal(t, noted, first.object()["metadata"])
	require.Equal(t, noted, f.get("/v1/deployments/" + first.id()).is(200).object()["metadata"], "before history knows of it")
	require.Equal(t, wire, f.command(first.id()).Body.(contract.DeployCommand).Metadata, "by name")
	plain := f.post("/v1/deployments", wanted.with(object{"metadata": object{}})).is(202)
	require.NotContains(t, plain.object(), "metadata")
	batch := f.post(batchPath, together(wanted)).became()
	require.Equal(t, wire, f.command(batch[0]).Body.(contract.DeployCommand).Metadata)

	f.happens(first.id(), 0, contract.AcceptedEvent{Kind: "deploy", Application: "shop", Version: "1", Actor: "ci", Targets: 1, Waves: 1, Metadata: wire})
	rc.await(1)
	require.Contains(t, string(rc.got()[0].body), `"metadata":{"empty":"","grund":"`)

	known := finished(first.id(), "1", 1)
	known.State, known.Seq, known.Package, known.Counts, known.Metadata = "failed", 1000, pkg, contract.Counts{Failed: 1}, wire
	history.know(known, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed", Attempt: 1, Changed: true})
	listed := f.get("/v1/deployments?application=shop").is(200).object()["items"].([]any)
	require.Equal(t, noted, listed[0].(map[string]any)["metadata"])
	require.Len(t, f.get("/v1/deployments?metadata=empty%3D&metadata=grund%3D%3C%C3%BC%3E").is(200).object()["items"], 1)
	require.Empty(t, f.get("/v1/deployments?metadata=ticket%3DSHOP-4").is(200).object()["items"])
	why := object{"metadata": object{"why": "broken"}}
	mine := []contract.Note{{Name: "why", Value: "broken"}}
	back := f.post("/v1/deployments/"+first.id()+"/rollback", why).is(202).id()
	require.Equal(t, mine, f.command(back).Body.(contract.RollbackCommand).Metadata)
	again := f.post("/v1/deployments/"+first.id()+"/retry", why).is(202).id()
	require.Equal(t, mine, f.command(again).Body.(contract.DeployCommand).Metadata)
	bare := f.post("/v1/deployments/"+first.id()+"/retry", nil).is(202).id()
	require.Empty(t, f.command(bare).Body.(contract.DeployCommand).Metadata, "each has notes of its own")
	set := f.post(initPath, on.with(object{"supervisor": object{"content": "[program:shop]"}})).is(202).id()
	require.Equal(t, wire, f.command(set).Body.(contract.InitCommand).Metadata)
}

func TestNotesThatAreTooManyOrTooLongAreRefusedByTheirNames(t *testing.T) {
	f := start(t)
	f.shop("1")
	wanted := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	many := map[string]any{}
	for i := range 33 {
		many["n"+strconv.Itoa(i)] = "x"
	}
	few := maps.Clone(many)
	delete(few, "n32")
	for field, metadata := range map[string]any{
		"metadata":         many,
		"metadata.n":       object{"n": 1},
		"metadata.":        object{"": "x"},
		"metadata.a\nb":    object{"a\nb": "x"},
		"metadata.nothing": object{"nothing": nil},
		"metadata.nul":     object{"nul": "\x00"},
	} {
		errs := f.post("/v1/deployments", wanted.with(object{"metadata": metadata})).refused(422, "invalid_request")
		require.Contains(t, errs, field)
	}
	for _, wrong := range []any{"ticket", []string{"ticket"}, object{"long": strings.Repeat("x", 4093)}} {
		errs := f.post("/v1/deployments", wanted.with(object{"metadata": wrong})).refused(422, "invalid_request")
		require.Contains(t, errs, "metadata")
	}
	f.post("/v1/deployments", wanted.with(object{"metadata": object{"long": strings.Repeat("x", 4092)}})).is(202)
	f.post("/v1/deployments", wanted.with(object{"metadata": few})).is(202)
	errs := f.post("/v1/projects", object{"name": "web", "defaults": object{"metadata": few}}).refused(422, "invalid_request")
	require.Contains(t, errs["defaults.metadata"], "with each deployment")
}
