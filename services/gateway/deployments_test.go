package gateway_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func sortedDown[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Compare(b, a) })
}

// fleet creates servers and returns their ids.
func (f *fixture) fleet(names ...string) []string {
	f.Helper()
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = f.post("/v1/servers", web(name).with(object{"labels": object{"role": "web"}})).is(201).id()
	}
	return ids
}

// shop uploads a package and returns its id.
func (f *fixture) shop(version string) string {
	f.Helper()
	return f.upload("shop", version, "shop", []byte("shop "+version)).is(201).id()
}

// pieces returns the targets of a snapshot, piece by piece.
func (f *fixture) pieces(s contract.Snapshot) [][]contract.Target {
	f.Helper()
	cells, err := bus.OpenCells[contract.SnapshotPiece](f.Context(), f.bus, contract.BucketSnapshots)
	require.NoError(f, err)
	all := make([][]contract.Target, s.Pieces)
	for n := range all {
		piece, _, err := cells.Get(f.Context(), fmt.Sprint(s.ID, ".", n))
		require.NoError(f, err)
		all[n], err = piece.Whole()
		require.NoError(f, err)
	}
	return all
}

func TestADeploymentIsAcceptedAsOneCommand(t *testing.T) {
	f := start(t)
	ids := f.fleet("b", "a", "c")
	key := hostKey(t)
	f.patch("/v1/servers/"+ids[1], object{"host_key": key, "first_contact": false, "credential": object{"password": "x"}}).is(200)
	pkg := f.shop("1.0")

	res := f.post("/v1/deployments", object{
		"project": "checkout", "application": "shop", "version": "1.0", "servers": []string{"c", ids[2]}, "selector": object{"role": "web"},
		"path": "/srv//shop/", "keep": 3, "remove": []string{"0.9"}, "strategy": object{"type": "rolling", "batch": 2},
	}).is(202)
	id := res.id()
	require.Equal(t, "/v1/deployments/"+id, res.Header.Get("Location"))
	got := res.object()
	require.Equal(t, "accepted", got["state"])
	require.Equal(t, "bootstrap", got["actor"])
	require.Equal(t, "checkout", got["project"])
	require.EqualValues(t, 3, got["targets"])
	require.EqualValues(t, 2, got["waves"])

	m := f.command(id)
	require.Equal(t, id, m.Deployment)
	require.Equal(t, "checkout", m.Project)
	command := m.Body.(contract.DeployCommand)
	require.Equal(t, contract.Application{Name: "shop", Path: "/srv/shop", Keep: 3, Remove: []string{"0.9"}}, command.Application)
	require.Equal(t, pkg, command.Package.ID)
	require.Equal(t, digest([]byte("shop 1.0")), command.Package.SHA256)
	require.Equal(t, contract.Policy{
		Strategy: contract.Strategy{Type: "rolling", Batch: "2"}, Failures: contract.Failures{Total: "0"}, Progress: 600_000,
	}, command.Policy)
	pieces := f.pieces(command.Snapshot)
	require.Len(t, pieces, 1)
	var names []string
	for _, target := range pieces[0] {
		names = append(names, target.Name)
	}
	require.Equal(t, []string{"c", "a", "b"}, names, "as listed, then by name, each once")
	require.Equal(t, key, pieces[0][1].HostKey)
	require.Equal(t, f.storedServer(ids[1]).Credential, pieces[0][1].Credential)
	require.True(t, pieces[0][0].FirstContact)

	f.delete("/v1/servers/" + ids[0]).is(204)
	require.Equal(t, pieces, f.pieces(command.Snapshot), "a later change changes nothing")
}

func TestWhatIsLeftOutOfADeploymentHasADefault(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	pkg := f.shop("1")
	id := f.post("/v1/deployments", object{"application": "shop", "package": pkg, "servers": ids}).is(202).id()
	command := f.command(id).Body.(contract.DeployCommand)
	require.Equal(t, contract.Application{Name: "shop", Path: "apps/shop", Keep: 5}, command.Application)
	require.Equal(t, contract.Policy{Strategy: contract.Strategy{Type: "all"}, Progress: 600_000}, command.Policy)
}

func TestWhatADeploymentMayNotBe(t *testing.T) {
	f := start(t)
	f.fleet("a")
	unknown := f.post("/v1/servers", web("no key").with(object{"first_contact": false})).is(201).id()
	pkg := f.shop("1")
	other := f.upload("blog", "1", "blog", []byte("x")).is(201).id()
	good := object{"application": "shop", "version": "1", "servers": []string{"a"}}

	bad := f.post("/v1/deployments", object{
		"application": "Shop!", "version": "-", "servers": []any{"a", 1, nil}, "selector": object{"a b": "c", "d": 1},
		"path": "../x", "keep": 0, "remove": []string{"1", "../1"}, "wave_size": 2, "force": true,
	}).refused(422, "invalid_request")
	for _, name := range []string{
		"application", "servers[1]", "servers[2]", "selector.a b", "selector.d", "path", "keep", "remove[1]", "wave_size", "force",
	} {
		require.Contains(t, bad, name)
	}
	require.Equal(t, map[string]string{
		"application": "is required", "version": "is required, or package", "servers": "is required, or selector or group",
	}, f.post("/v1/deployments", object{}).refused(422, "invalid_request"))

	for name, c := range map[string]struct {
		change object
		field  string
	}{
		"a package and a version":      {object{"package": pkg}, "version"},
		"an unknown version":           {object{"version": "2"}, "version"},
		"an unknown package":           {object{"version": nil, "package": xid.New().String()}, "package"},
		"a package of another":         {object{"version": nil, "package": other}, "package"},
		"an unknown server":            {object{"servers": []string{"a", "nobody"}}, "servers[1]"},
		"no servers":                   {object{"servers": []string{}}, "servers"},
		"servers that are null":        {object{"servers": nil}, "servers"},
		"null twice":                   {object{"servers": nil, "selector": nil}, "servers"},
		"an empty selector":            {object{"selector": object{}}, "selector"},
		"a selector without a match":   {object{"selector": object{"role": "db"}}, "selector"},
		"a server that nobody knows":   {object{"servers": []string{unknown}}, "servers"},
		"a path with control":          {object{"path": "a\nb"}, "path"},
		"a path that leads up":         {object{"path": "/srv/../etc"}, "path"},
		"a path with a leading dash":   {object{"path": "-rf"}, "path"},
		"a path with a tilde":          {object{"path": "~/shop"}, "path"},
		"the root":                     {object{"path": "//"}, "path"},
		"the home":                     {object{"path": "./"}, "path"},
		"a path that is empty":         {object{"path": ""}, "path"},
		"more to keep than may be":     {object{"keep": 101}, "keep"},
		"the size of waves as it was":  {object{"wave_size": 2}, "wave_size"},
		"an application that is empty": {object{"application": ""}, "application"},
	} {
		bad := f.post("/v1/deployments", good.with(c.change)).refused(422, "invalid_request")
		require.Contains(t, bad, c.field, "%s: %v", name, bad)
	}
	require.Zero(t, f.commands())
}

func TestAFleetIsSnapshotInPieces(t *testing.T) {
	f := start(t)
	const size = 1000
	names := make([]string, size)
	for i := range names {
		names[i] = fmt.Sprintf("web-%04d", i)
	}
	f.fleet(names...)
	f.shop("1")
	res := f.post("/v1/deployments", object{"application": "shop", "version": "1", "selector": object{"role": "web"},
		"strategy": object{"type": "rolling", "batch": "30%"}}).is(202)
	require.EqualValues(t, size, res.object()["targets"])
	require.EqualValues(t, 4, res.object()["waves"])

	command := f.command(res.id()).Body.(contract.DeployCommand)
	require.Equal(t, 10, command.Snapshot.Pieces)
	require.Equal(t, size, command.Snapshot.Targets)
	var got []string
	for _, piece := range f.pieces(command.Snapshot) {
		require.Len(t, piece, 100)
		for _, target := range piece {
			got = append(got, target.Name)
		}
	}
	require.Equal(t, names, got)

	// The scheduler has not begun: the targets are read from the snapshot.
	path := "/v1/deployments/" + res.id() + "/targets"
	require.Equal(t, names, f.pages(path+"?limit=333", "name"))
	require.Equal(t, []string{"web-0299"}, f.get(path+"?limit=1&cursor=Mjk5").is(200).column("name"))
	require.Equal(t, []string{"0", "1"}, f.get(path+"?limit=2&cursor=Mjk5").is(200).column("wave"))
	require.Empty(t, f.get(path+"?state=running").is(200).column("name"))
}

func TestADeploymentIsFoundAtOnce(t *testing.T) {
	f := start(t)
	ids := f.fleet("a")
	f.shop("1")
	created := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}).is(202)
	path := "/v1/deployments/" + created.id()
	require.JSONEq(t, string(created.raw), string(f.get(path).is(200).raw), "from the command, without history")

	h := f.withHistory()
	seq := f.begin(created.id())
	f.get(path).refused(503, "unavailable")
	d := finished(created.id(), "1", 1)
	d.Seq = seq
	h.know(d, contract.TargetStatus{Host: ids[0], Name: "a", State: "succeeded"})
	require.Equal(t, "succeeded", f.get(path).is(200).text("state"))
	asked, _ := lastAsked[contract.GetDeployment](h)
	require.Equal(t, seq, asked.MinSeq, "history must have seen the last event")
	require.Equal(t, []string{"succeeded"}, f.get(path+"/targets").is(200).column("state"))
	targets, _ := lastAsked[contract.ListTargets](h)
	require.Equal(t, seq, targets.MinSeq)
}

func TestADeploymentThatWasArchivedIsGoneAndNotUnknown(t *testing.T) {
	f := start(t)
	f.fleet("a")
	no := func(contract.Message) contract.Body {
		return contract.Refused{Code: contract.RefusedArchived, Message: "it went on 2026-05-02"}
	}
	for _, subject := range []string{contract.QueryDeployment, contract.QueryTargets, contract.QueryOutput} {
		f.respond(subject, no)
	}
	path := "/v1/deployments/" + xid.New().String()
	for _, read := range []string{"", "/targets", "/logs"} {
		res := f.get(path + read)
		res.refused(410, "deployment_archived")
		require.Equal(t, "the deployment was archived: it went on 2026-05-02", res.text("detail"))
	}
	for _, asked := range []string{"/rollback", "/retry"} {
		f.post(path+asked, object{}).refused(410, "deployment_archived")
	}
}

func TestADeploymentWhoseEventsAgedOutIsReadFromHistory(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	id := xid.New().String()
	h.know(finished(id, "1", 0))
	require.Equal(t, "succeeded", f.get("/v1/deployments/"+id).is(200).text("state"))
	asked, _ := lastAsked[contract.GetDeployment](h)
	require.Zero(t, asked.MinSeq)
	f.get("/v1/deployments/"+xid.New().String()).refused(404, "not_found")
	f.get("/v1/deployments/a.b").refused(404, "not_found")
	f.get("/v1/deployments/*/targets").refused(404, "not_found")
	f.get("/v1/deployments/"+xid.New().String()+"/targets").refused(404, "not_found")
}

func TestDeploymentsAreListedByHistory(t *testing.T) {
	f := start(t)
	f.get("/v1/deployments").refused(503, "unavailable")
	h := f.withHistory()
	var ids []string
	for i := range 5 {
		d := finished(xid.New().String(), fmt.Sprint(i), 1)
		if i == 0 {
			d.State = "failed"
		}
		h.know(d)
		ids = append([]string{d.ID}, ids...)
	}
	require.Equal(t, ids, f.pages("/v1/deployments?limit=2", "id"))
	require.Equal(t, ids[4:], f.pages("/v1/deployments?state=failed&application=shop&limit=1", "id"))
	bad := f.get("/v1/deployments?state=broken&application=-&limit=0&cursor=.").refused(422, "invalid_request")
	for _, name := range []string{"state", "application", "limit", "cursor"} {
		require.Contains(t, bad, name)
	}
}

func TestADeploymentSaysWhyItStandsWhereItDoes(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, state := range []string{
		"accepted", "awaiting_approval", "scheduled", "running", "paused", "holding", "stopping", "succeeded", "failed", "cancelled", "rejected",
	} {
		d := finished(xid.New().String(), "1", 3)
		d.State, d.Cause, d.Reason, d.By, d.Until = state, "canary", "why", "anna", &until
		d.Strategy, d.RetryOf, d.Counts = "canary", xid.New().String(), contract.Counts{Succeeded: 1, Cancelled: 2}
		h.know(d)
		got := f.get("/v1/deployments/" + d.ID).is(200).object()
		for name, want := range map[string]any{
			"state": state, "cause": "canary", "reason": "why", "by": "anna", "until": "2026-01-02T03:04:05Z", "strategy": "canary", "retry_of": d.RetryOf,
		} {
			require.Equal(t, want, got[name], name)
		}
		require.EqualValues(t, 2, got["counts"].(map[string]any)["cancelled"])
		require.Equal(t, []string{d.ID}, f.get("/v1/deployments?state="+state).is(200).column("id"))
	}
	ended := finished(xid.New().String(), "1", 1)
	h.know(ended, contract.TargetStatus{Host: "srv", Name: "a", State: "cancelled"})
	require.Equal(t, []string{"a"}, f.get("/v1/deployments/"+ended.ID+"/targets?state=cancelled").is(200).column("name"))
}

func TestATargetShowsItsStepsTimesAndErrors(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := finished(xid.New().String(), "1", 1)
	h.know(d, contract.TargetStatus{
		Host: "srv", Name: "a", State: "failed", Attempt: 2, Executor: "x1", Step: "stage", Done: 5, Bytes: 10,
		Steps: []contract.StepStatus{
			{Step: "connect", Phase: "pre", State: "succeeded", StartedAt: at, EndedAt: &at, Note: "fast"},
			{Step: "stage", Phase: "pre", State: "failed", StartedAt: at, Failure: &contract.Failure{Code: "disk_full", Reason: "no space"}},
		},
		StartedAt: &at, EndedAt: &at, Release: "0", Previous: "", Note: "n", Failure: &contract.Failure{Code: "disk_full", Reason: "no space"},
	})
	target := f.get("/v1/deployments/" + d.ID + "/targets?state=failed").is(200).object()["items"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"code": "disk_full", "reason": "no space"}, target["failure"])
	require.EqualValues(t, 5, target["done_bytes"])
	require.Len(t, target["steps"], 2)
	require.Contains(t, f.get("/v1/deployments/"+d.ID+"/targets?state=x&cursor=MA").refused(422, "invalid_request"), "cursor")
}
