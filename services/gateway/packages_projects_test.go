package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestNoProjectShipsWhatAnotherHasAdded(t *testing.T) {
	f := start(t)
	f.withHistory()
	f.fleet("a")
	web, store := f.as(f.tokenFor(grant("deployer", "web"))), f.as(f.tokenFor(grant("deployer", "store")))
	wanted := object{"project": "store", "application": "shop", "servers": []string{"a"}}
	evil := web.upload("shop", "6", "shop", []byte("evil"), "project", "web").is(201)
	require.Equal(t, "web", evil.text("project"))
	for field, of := range map[string]object{
		"package": {"package": "newest"}, "version": {"version": "6"},
	} {
		require.Equal(t, "there is no such package of this application", store.post("/v1/deployments", wanted.with(of)).refused(422, "invalid_request")[field])
	}
	named := wanted.with(object{"package": evil.id()})
	require.Equal(t, "is a package of another project", store.post("/v1/deployments", named).refused(422, "invalid_request")["package"])
	f.post("/v1/deployments", named.with(object{"project": nil})).refused(422, "invalid_request")
	require.Zero(t, f.commands())
	web.post("/v1/deployments", named.with(object{"project": "web"})).is(202)

	shipped := func(more object) string {
		made := store.post("/v1/deployments", wanted.with(more)).is(202)
		return f.command(made.id()).Body.(contract.DeployCommand).Package.ID
	}
	all := f.upload("shop", "6", "shop", []byte("for all")).is(201).id()
	require.Equal(t, all, shipped(object{"package": "newest"}), "what belongs to none is for all")
	require.Equal(t, all, shipped(object{"version": "6"}))
	own := store.upload("shop", "6", "shop", []byte("own"), "project", "store").is(201).id()
	require.Equal(t, own, shipped(object{"version": "6"}), "nobody took the version away")
	web.upload("shop", "7", "shop", []byte("evil"), "project", "web").is(201)
	require.Equal(t, own, shipped(object{"package": "newest"}))
	f.delete("/v1/packages/" + own).is(204)
	require.Equal(t, all, shipped(object{"version": "6"}))
}

func TestAPackageIsAddedWhereOneMay(t *testing.T) {
	f := start(t)
	web := f.as(f.tokenFor(grant("deployer", "web")))
	described := object{"application": "shop", "version": "1", "url": "http://127.0.0.1:1/shop", "unverified": true}
	referred := object{"application": "shop", "version": "1", "source": object{"url": object{"url": "http://127.0.0.1:1/shop", "sha256": digest(nil)}}}
	for _, project := range []string{"", "store"} {
		more, said := []string(nil), object(nil)
		if project != "" {
			more, said = []string{"project", project}, object{"project": project}
		}
		for _, res := range []*reply{
			web.upload("shop", "1", "shop", []byte("x"), more...), web.post("/v1/packages", described.with(said)), web.post("/v1/packages", referred.with(said)),
		} {
			res.refused(403, "forbidden")
			require.Equal(t, "packages.write", res.text("permission"))
			require.Contains(t, res.text("detail"), "only in: web")
		}
	}
	require.Empty(t, f.get("/v1/packages").column("id"))
	require.Equal(t, "web", web.post("/v1/packages", referred.with(object{"project": "web"})).is(201).text("project"))
	require.Contains(t, web.upload("shop", "2", "shop", []byte("x"), "project", "a b").refused(422, "invalid_request"), "project")
}
