package gateway_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// behind creates servers, each of which is reached through the one before, and
// returns their ids.
func (f *fixture) behind(names ...string) []string {
	f.Helper()
	var ids []string
	before := object{}
	for _, name := range names {
		ids = append(ids, f.post("/v1/servers", web(name).with(object{"address": name + ".example.com"}).with(before)).is(201).id())
		before = object{"jump_host": name}
	}
	return ids
}

func TestAJumpHostIsNamedByIdOrNameAndCanBeTakenAway(t *testing.T) {
	f := start(t)
	ids := f.behind("edge", "web")
	path := "/v1/servers/" + ids[1]
	require.Equal(t, ids[0], f.get(path).text("jump_host"), "by name, answered with the id")
	require.Empty(t, f.patch(path, object{"jump_host": nil}).is(200).text("jump_host"))
	require.Equal(t, ids[0], f.patch(path, object{"jump_host": ids[0]}).is(200).text("jump_host"))
	f.patch("/v1/servers/"+ids[0], object{"name": "door"}).is(200)
	require.Equal(t, ids[0], f.patch(path, object{"port": 23}).is(200).text("jump_host"), "a new name changes nothing")
}

func TestWhatCannotBeAJumpHost(t *testing.T) {
	f := start(t)
	ids := f.behind("a", "b", "c")
	for name, c := range map[string]struct{ server, jump string }{
		"nobody":             {ids[0], "nobody"},
		"an id of nobody":    {ids[0], "00000000000000000000"},
		"an empty name":      {ids[0], ""},
		"itself":             {ids[0], "a"},
		"one behind it":      {ids[0], "b"},
		"one further behind": {ids[0], ids[2]},
	} {
		bad := f.patch("/v1/servers/"+c.server, object{"jump_host": c.jump}).refused(422, "invalid_request")
		require.Contains(t, bad, "jump_host", name)
		require.Len(t, bad, 1, name)
	}
	require.Contains(t, f.post("/v1/servers", web("new").with(object{"jump_host": "nobody"})).refused(422, "invalid_request"), "jump_host")
	require.Empty(t, f.get("/v1/servers/"+ids[0]).text("jump_host"))

	long := []string{"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"} // the last is behind eight
	chain := f.behind(long...)
	bad := f.post("/v1/servers", web("h9").with(object{"jump_host": "h8"})).refused(422, "invalid_request")
	require.Contains(t, bad["jump_host"], "more than 8")
	bad = f.patch("/v1/servers/"+chain[0], object{"jump_host": "a"}).refused(422, "invalid_request")
	require.Contains(t, bad["jump_host"], "more than 8", "those behind it count, too")
}

func TestAServerThatOthersAreReachedThroughStays(t *testing.T) {
	f := start(t)
	ids := f.behind("edge", "web")
	f.delete("/v1/servers/"+ids[0]).refused(409, "jump_host_in_use")
	require.Contains(t, string(f.delete("/v1/servers/"+ids[0]).raw), `\"web\"`)
	f.delete("/v1/servers/" + ids[1]).is(204)
	f.delete("/v1/servers/" + ids[0]).is(204)
}

func TestTheJumpHostsTravelWithTheirDeploymentAsTheyWere(t *testing.T) {
	f := start(t)
	ids := f.behind("edge", "inner", "web")
	f.patch("/v1/servers/"+ids[0], object{"credential": object{"password": "of edge"}, "host_key": hostKey(t)}).is(200)
	f.behind("other")
	f.shop("1.0")
	id := f.post("/v1/deployments", object{"application": "shop", "version": "1.0", "servers": []string{"web", "other", "inner"}}).is(202).id()
	f.patch("/v1/servers/"+ids[0], object{"address": "elsewhere.example.com"}).is(200)

	targets := f.pieces(f.command(id).Body.(contract.DeployCommand).Snapshot)[0]
	way := func(i int) (addresses []string) {
		for _, hop := range targets[i].Via {
			addresses = append(addresses, hop.Address)
		}
		return addresses
	}
	require.Equal(t, []string{"edge.example.com", "inner.example.com"}, way(0))
	require.Empty(t, way(1))
	require.Equal(t, []string{"edge.example.com"}, way(2))
	edge := targets[0].Via[0]
	require.NotEmpty(t, edge.HostKey)
	clear, err := f.key.Open(contract.CredentialContext(ids[0]), seal.Sealed(edge.Credential))
	require.NoError(t, err)
	require.Contains(t, string(clear), "of edge")
}

func TestAJumpHostThatNobodyKnowsIsNoWay(t *testing.T) {
	f := start(t)
	ids := f.behind("edge", "web")
	f.patch("/v1/servers/"+ids[0], object{"first_contact": false}).is(200)
	f.shop("1.0")
	deploy := object{"application": "shop", "version": "1.0", "servers": []string{"web"}}
	bad := f.post("/v1/deployments", deploy).refused(422, "invalid_request")
	require.Contains(t, bad["servers"], `"edge", which has no host key`)
}

// Two changes at one moment can make what neither could alone.
func TestAWayThatIsBrokenIsFoundWhenItIsUsed(t *testing.T) {
	f := start(t)
	ids := f.behind("a", "b", "c")
	f.shop("1.0")
	deploy := object{"application": "shop", "version": "1.0", "servers": []string{"c"}}
	for jump, says := range map[string]string{ids[2]: "reached through itself", "00000000000000000000": "was deleted"} {
		f.storeJump(ids[0], jump)
		require.Contains(t, f.post("/v1/deployments", deploy).refused(422, "invalid_request")["servers"], says)
		require.Equal(t, "unreachable", f.failureOf("c"))
	}
	f.patch("/v1/servers/"+ids[0], object{"jump_host": nil}).is(200)
	f.post("/v1/deployments", deploy).is(202)
}

// storeJump stores a jump host that the gateway would refuse.
func (f *fixture) storeJump(server, jump string) {
	f.Helper()
	cells, err := bus.OpenCells[map[string]map[string]any](f.Context(), f.bus, contract.BucketServers)
	require.NoError(f, err)
	value, rev, err := cells.Get(f.Context(), server)
	require.NoError(f, err)
	value["server"]["jump_host"] = jump
	_, err = cells.Set(f.Context(), server, value, rev)
	require.NoError(f, err)
}

func TestServersBehindAJumpHostAreReadThroughIt(t *testing.T) {
	f := start(t)
	edge := web("edge").with(object{"credential": object{"password": "x"}, "host_key": hostKey(t)})
	f.post("/v1/servers", edge).is(201)
	for i := range 20 {
		f.post("/v1/servers", web(fmt.Sprint("s", i)).with(object{"jump_host": "edge"})).is(201)
	}
	f.respond(contract.ReleasesSubject(""), func(m contract.Message) contract.Body {
		var rows contract.Releases
		for _, target := range m.Body.(contract.Inspect).Targets {
			row := contract.HostReleases{Host: target.Host}
			if len(target.Via) > 0 {
				row.Current = "through " + target.Via[0].Name
			}
			rows.Hosts = append(rows.Hosts, row)
		}
		return rows
	})
	rows := f.get("/v1/releases?application=shop").is(200).object()["items"].([]any)
	require.Len(t, rows, 21)
	for _, row := range rows[1:] {
		require.Equal(t, "through edge", row.(map[string]any)["current"])
	}
}
