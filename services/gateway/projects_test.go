package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// kinds is where items of each kind are, in a project shop, and what one can say.
var kinds = map[string]object{
	"/v1/groups":                     {"selector": object{"role": "web"}},
	"/v1/projects":                   {"defaults": object{"keep": 3}},
	"/v1/projects/shop/applications": {"defaults": object{"profile": "java", "restart": true, "directory": "zeus"}},
	"/v1/projects/shop/stages":       {"defaults": object{"selector": object{"role": "web"}, "approval": object{}}},
	"/v1/projects/shop/templates":    {"defaults": object{"application": "shop", "version": "1", "strategy": object{"type": "rolling", "batch": 2}}},
}

func TestItemsAreCreatedReadChangedAndDeleted(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	for collection, says := range kinds {
		wanted := says.with(object{"name": "one", "description": "Größe 1", "labels": object{"team": "a", "tier": "1"}})
		created := f.once(collection, collection, wanted).is(201)
		path := collection + "/" + created.id()
		require.Equal(t, path, created.Header.Get("Location"))
		require.Equal(t, created.raw, f.once(collection, collection, wanted).is(201).raw, "a repeat gets the first answer")
		require.JSONEq(t, string(created.raw), string(f.get(path).is(200).raw), "by its id")
		require.JSONEq(t, string(created.raw), string(f.get(collection+"/one").is(200).raw), "by its name")
		require.Contains(t, f.post(collection, wanted).refused(409, "name_taken"), "name")

		changed := f.patch(path, object{"description": nil, "labels": object{"tier": nil, "x": "y"}}).is(200)
		require.Equal(t, map[string]any{"team": "a", "x": "y"}, changed.object()["labels"])
		require.Empty(t, changed.text("description"))
		require.Equal(t, created.object()["defaults"], changed.object()["defaults"], "what is left out stays")
		old := map[string]string{"If-Match": created.Header.Get("ETag")}
		f.send(request{method: "PATCH", path: path, body: object{"description": "late"}, header: old}).refused(412, "precondition_failed")
		f.send(request{method: "DELETE", path: path, header: old}).refused(412, "precondition_failed")
		require.Contains(t, f.patch(path, object{}).refused(422, "invalid_request"), "body")
		require.Contains(t, f.patch(path, object{"name": "two"}).refused(422, "invalid_request"), "name")

		f.post(collection, says.with(object{"name": "two", "labels": object{"team": "b"}})).is(201)
		require.Subset(t, f.pages(collection+"?limit=1", "name"), []string{"one", "two"})
		require.Equal(t, []string{"two"}, f.pages(collection+"?label=team%3Db", "name"))
		require.Equal(t, []string{"one"}, f.pages(collection+"?name=one", "name"))
		require.Contains(t, f.post(collection, says.with(object{"name": "Größe"})).refused(422, "invalid_request"), "name")
		require.Contains(t, f.get(collection+"?x=y").refused(422, "invalid_request"), "x")

		f.send(request{method: "DELETE", path: path, header: map[string]string{"If-Match": changed.Header.Get("ETag")}}).is(204)
		f.get(path).refused(404, "not_found")
		f.patch(path, object{"description": "x"}).refused(404, "not_found")
		f.delete(path).refused(404, "not_found")
		require.NotEqual(t, created.id(), f.post(collection, wanted).is(201).id(), "the name is free again")
		require.Equal(t, "two", f.get(collection+"/two").text("name"))
	}
	for _, collection := range []string{"/v1/projects/nobody/applications", "/v1/projects/nobody/stages", "/v1/projects/nobody/templates"} {
		f.get(collection).refused(404, "not_found")
		f.post(collection, object{"name": "one"}).refused(404, "not_found")
	}
}

func TestWhatIsWrongWithAnItemIsNamed(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	for field, wanted := range map[string]object{
		"name":                             {"name": "Großes Haus"},
		"labels.a b":                       {"labels": object{"a b": "c"}},
		"defaults":                         {"defaults": []string{}},
		"defaults.keep":                    {"defaults": object{"keep": 0}},
		"defaults.nonsense":                {"defaults": object{"nonsense": 1}},
		"defaults.start_at":                {"defaults": object{"start_at": "2026-01-31T22:00:00Z"}},
		"defaults.application":             {"defaults": object{"application": "shop"}},
		"defaults.strategy.type":           {"defaults": object{"strategy": object{"type": "all of them"}}},
		"defaults.strategy.batch":          {"defaults": object{"strategy": object{"type": "rolling"}}},
		"defaults.servers":                 {"defaults": object{"servers": []string{}}},
		"defaults.selector":                {"defaults": object{"selector": object{}}},
		"defaults.profile":                 {"defaults": object{"profile": "cobol"}},
		"defaults.environment.A B":         {"defaults": object{"environment": object{"A B": "x"}}},
		"defaults.environment.TOKEN":       {"defaults": object{"environment": object{"TOKEN": "x"}}, "secrets": object{"TOKEN": "hush-hush"}},
		"defaults.secrets":                 {"defaults": object{"secrets": object{"TOKEN": "hush-hush"}}},
		"defaults.hooks.during[0].secrets": {"defaults": object{"hooks": object{"during": []object{{"name": "x", "command": "x", "secrets": object{"KEY": "hush-hush"}}}}}},
		"defaults.hooks.during[0].name":    {"defaults": object{"hooks": object{"during": []object{{"command": "x"}}}}},
		"secrets.TOKEN":                    {"secrets": object{"TOKEN": "x"}},
		"defaults.calendar.windows":        {"defaults": object{"calendar": object{"zone": "UTC"}}},
		"defaults.checks[0].command":       {"defaults": object{"checks": []object{{"name": "x"}}}},
		"nonsense":                         {"nonsense": 1},
		"description":                      {"description": "a\nb"},
	} {
		res := f.post("/v1/projects/shop/stages", object{"name": "production"}.with(wanted))
		require.Contains(t, res.refused(422, "invalid_request"), field)
		require.NotContains(t, string(res.raw), "hush-hush")
	}
	require.Equal(t, map[string]string{"name": "must not have the form of an id"},
		f.post("/v1/projects", object{"name": "d3v5k1jq0s9c73a1b2c0"}).refused(422, "invalid_request"))
	require.Contains(t, f.post("/v1/groups", object{"name": "web"}).refused(422, "invalid_request"), "selector")
	require.Contains(t, f.post("/v1/groups", object{"name": "web", "selector": object{}}).refused(422, "invalid_request"), "selector")
	f.post("/v1/projects/shop/stages", object{"name": "production"}).is(201)
	require.Contains(t, f.patch("/v1/projects/shop/stages/production", object{"defaults": object{"keep": 0}}).refused(422, "invalid_request"), "defaults.keep")
}

func TestDefaultsAndSecretsAreMerged(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	path := "/v1/projects/shop/stages/production"
	f.post("/v1/projects/shop/stages", object{
		"name":     "production",
		"defaults": object{"keep": 3, "strategy": object{"type": "rolling", "batch": 2, "pause": "1m"}, "environment": object{"A": "1", "B": "2"}},
		"secrets":  object{"TOKEN": "canary-1", "KEY": "canary-2"},
	}).is(201)
	changed := f.patch(path, object{
		"defaults": object{"keep": nil, "strategy": object{"batch": "50%"}, "environment": object{"A": nil, "C": "3"}},
		"secrets":  object{"TOKEN": nil, "OTHER": "canary-3"},
	}).is(200)
	require.Equal(t, map[string]any{
		"strategy": map[string]any{"type": "rolling", "batch": "50%", "pause": "1m"}, "environment": map[string]any{"B": "2", "C": "3"},
	}, changed.object()["defaults"])
	require.Equal(t, []any{"KEY", "OTHER"}, changed.object()["secrets"])
	require.NotContains(t, string(changed.raw)+string(f.get(path).raw)+string(f.get("/v1/projects/shop/stages").raw), "canary")
	reset := f.patch(path, object{"defaults": nil, "secrets": nil}).is(200).object()
	require.Nil(t, reset["defaults"])
	require.Nil(t, reset["secrets"])
}

func TestNothingIsDeletedThatOthersReferTo(t *testing.T) {
	f := start(t)
	server := f.fleet("web-1")[0]
	f.post("/v1/groups", object{"name": "web", "selector": object{"role": "web"}}).is(201)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	f.post("/v1/projects/shop/applications", object{"name": "api", "defaults": object{"servers": []string{"web-1"}}}).is(201)
	f.post("/v1/projects/shop/stages", object{"name": "production", "defaults": object{"group": "web"}}).is(201)
	f.post("/v1/projects/shop/templates", object{"name": "nightly", "defaults": object{"application": "api", "stage": "production"}}).is(201)
	f.post("/v1/projects", object{"name": "other"}).is(201)
	f.post("/v1/projects/other/applications", object{"name": "api"}).is(201)
	for _, refused := range []struct{ path, users string }{
		{"/v1/servers/" + server, `the application "api" of the project "shop"`},
		{"/v1/groups/web", `the stage "production" of the project "shop"`},
		{"/v1/projects/shop/stages/production", `the template "nightly" of the project "shop"`},
		{"/v1/projects/shop/applications/api", `the template "nightly" of the project "shop"`},
		{"/v1/projects/shop", `the application "api" of the project "shop", the stage "production" of the project "shop", the template "nightly" of the project "shop"`},
	} {
		res := f.delete(refused.path)
		res.refused(409, "in_use")
		require.Equal(t, "others refer to it: "+refused.users, res.text("detail"))
	}
	for _, path := range []string{
		"/v1/projects/other/applications/api", "/v1/projects/other", "/v1/projects/shop/templates/nightly", "/v1/projects/shop/stages/production",
		"/v1/projects/shop/applications/api", "/v1/projects/shop", "/v1/groups/web", "/v1/servers/" + server,
	} {
		f.delete(path).is(204)
	}
}

// stocked has a project shop with everything in it.
func (f *fixture) stocked() (h *history, servers []string) {
	f.Helper()
	h = f.withHistory()
	servers = f.fleet("web-1", "web-2")
	f.post("/v1/servers", web("db-1").with(object{"labels": object{"role": "db"}})).is(201)
	f.shop("1")
	f.post("/v1/groups", object{"name": "web", "selector": object{"role": "web"}}).is(201)
	f.post("/v1/projects", object{
		"name": "shop", "defaults": object{"keep": 9, "deadline": "3h", "environment": object{"A": "project", "B": "project", "C": "project", "D": "project"}},
		"secrets": object{"PROJECT": "project's", "B2": "project's", "E": "project's"},
	}).is(201)
	f.post("/v1/projects/shop/applications", object{
		"name": "shop", "defaults": object{"keep": 8, "path": "/srv/shop", "profile": "java", "restart": true, "environment": object{"A": "app", "B": "app", "C": "app", "E": "app"}},
		"secrets": object{"APP": "app's", "D": "app's"},
	}).is(201)
	f.post("/v1/projects/shop/stages", object{
		"name": "production", "defaults": object{"group": "web", "environment": object{"A": "stage", "B": "stage"}, "approval": object{"not_requester": true}},
		"secrets": object{"STAGE": "stage's"},
	}).is(201)
	f.post("/v1/projects/shop/templates", object{"name": "nightly", "defaults": object{
		"application": "shop", "version": "1", "stage": "production", "strategy": object{"type": "serial"}, "environment": object{"A": "template"},
	}}).is(201)
	return h, servers
}

func TestADeploymentSaysWhatItsTemplateStageApplicationAndProjectSay(t *testing.T) {
	f := start(t)
	_, servers := f.stocked()
	id := f.post("/v1/deployments", object{"project": "shop", "template": "nightly", "environment": nil}).is(202).id() // null is left out
	c := f.command(id).Body.(contract.DeployCommand)
	require.Equal(t, contract.Application{Name: "shop", Path: "/srv/shop", Keep: 8}, c.Application)
	require.Equal(t, "1", c.Package.Version)
	require.Equal(t, servers, f.targetsOf(id))
	require.Equal(t, "serial", c.Policy.Strategy.Type)
	require.Equal(t, (3 * time.Hour).Milliseconds(), c.Policy.Deadline)
	require.True(t, c.Policy.Approval.NotRequester)
	require.Equal(t, "shop", c.Work.Restart.Supervisor.Program, "as the profile of the application says")
	require.Equal(t, []contract.Variable{{Name: "A", Value: "template"}, {Name: "B", Value: "stage"}, {Name: "C", Value: "app"}, {Name: "E", Value: "app"}}, c.Work.Environment)
	opened := map[string]string{}
	for _, s := range c.Work.Secrets {
		clear, err := f.key.Open(s.Context("shop"), seal.Sealed(s.Sealed))
		require.NoError(t, err)
		opened[s.Name] = string(clear)
	}
	require.Equal(t, map[string]string{"PROJECT": "project's", "B2": "project's", "APP": "app's", "D": "app's", "STAGE": "stage's"}, opened,
		"of a variable and a secret of one name, the nearer counts")
}

func TestWhatADeploymentSaysItselfCounts(t *testing.T) {
	f := start(t)
	f.stocked()
	f.shop("2")
	id := f.post("/v1/deployments", object{
		"project": "shop", "template": "nightly", "version": "2", "servers": []string{"db-1"}, "keep": 2, "path": "/opt/shop", "restart": object{"command": "true"},
		"strategy": object{"type": "all"}, "environment": object{"A": "mine", "APP": "no secret"}, "secrets": object{"B": "my own"}, "approval": object{"expires_in": "1h"},
	}).is(202).id()
	c := f.command(id).Body.(contract.DeployCommand)
	require.Equal(t, contract.Application{Name: "shop", Path: "/opt/shop", Keep: 2}, c.Application)
	require.Equal(t, "2", c.Package.Version)
	require.Equal(t, []string{f.get("/v1/servers?name=db-1").column("id")[0]}, f.targetsOf(id), "the group of the stage is not meant beside them")
	require.Equal(t, "all", c.Policy.Strategy.Type)
	require.Equal(t, "true", c.Work.Restart.Command)
	require.Equal(t, []contract.Variable{{Name: "A", Value: "mine"}, {Name: "APP", Value: "no secret"}, {Name: "C", Value: "app"}, {Name: "E", Value: "app"}}, c.Work.Environment)
	var names []string
	for _, s := range c.Work.Secrets {
		names = append(names, s.Name+" "+s.For)
	}
	require.Equal(t, []string{"B ", "B2 shop/project/shop", "D shop/application/shop", "PROJECT shop/project/shop", "STAGE shop/stage/production"}, names)
	require.True(t, c.Policy.Approval.NotRequester, "the stage asks for it whatever the request says")
	require.WithinDuration(t, time.Now().Add(time.Hour), c.Policy.Approval.Expires, 10*time.Minute)
}

func TestADeploymentRemembersWhatItWasMadeBy(t *testing.T) {
	f := start(t)
	h, servers := f.stocked()
	stage := f.get("/v1/projects/shop/stages/production").id()
	by := map[string]object{
		"production nightly web": {"template": "nightly"},
		"production  web":        {"application": "shop", "version": "1", "stage": stage},
		"  web":                  {"application": "shop", "version": "1", "group": "web"},
		"production nightly ":    {"template": "nightly", "servers": servers},
	}
	for want, asked := range by {
		d := f.post("/v1/deployments", asked.with(object{"project": "shop"})).is(202)
		require.Equal(t, want, d.text("stage")+" "+d.text("template")+" "+d.text("group"), "by its names, whatever it was asked for by")
		o := f.command(d.id()).Body.(contract.DeployCommand).Origin
		require.Equal(t, want, o.Stage+" "+o.Template+" "+o.Group)
	}
	require.Equal(t, "web", f.post("/v1/applications/shop/init", object{"group": "web", "supervisor": object{"content": "[program:shop]\ncommand=/bin/true\n"}}).is(202).text("group"))

	f.get("/v1/deployments?project=shop&stage=production&template=nightly").is(200)
	asked, ok := lastAsked[contract.ListDeployments](h)
	require.True(t, ok)
	require.Equal(t, "shop production nightly", asked.Project+" "+asked.Stage+" "+asked.Template)
	require.Contains(t, f.get("/v1/deployments?stage=Production").refused(422, "invalid_request"), "stage")
}

func TestATemplateDeploysThePackageThatWasAddedLast(t *testing.T) {
	f := start(t)
	f.stocked()
	f.patch("/v1/projects/shop/templates/nightly", object{"defaults": object{"version": nil, "package": "newest"}}).is(200)
	asked := object{"project": "shop", "template": "nightly"}
	require.Equal(t, "1", f.post("/v1/deployments", asked).is(202).text("version"))
	f.upload("other", "3", "other", []byte("other")).is(201)
	newest := f.shop("2")
	d := f.post("/v1/deployments", asked).is(202)
	require.Equal(t, "2 "+newest, d.text("version")+" "+d.text("package"))
	require.Equal(t, newest, f.command(d.id()).Body.(contract.DeployCommand).Package.ID)
	require.Equal(t, "1", f.post("/v1/deployments", asked.with(object{"version": "1"})).is(202).text("version"), "who says a version means that")
	f.delete("/v1/packages/" + newest).is(204)
	require.Equal(t, "1", f.post("/v1/deployments", asked).is(202).text("version"))
	require.Contains(t, f.post("/v1/deployments", asked.with(object{"application": "nothing"})).refused(422, "invalid_request"), "package")
}

func TestWhatFollowsADeploymentIsOfItsStage(t *testing.T) {
	f := start(t)
	h, servers := f.stocked()
	origin := contract.Origin{Stage: "production", Template: "nightly", Group: "web"}
	of := f.get("/v1/packages?application=shop&version=1").column("id")[0]
	h.know(contract.Deployment{
		ID: "d0", Kind: "deploy", Project: "shop", Application: "shop", Path: "/srv/shop", Version: "1", Package: of, State: "failed", Origin: origin, Targets: 1,
	}, contract.TargetStatus{Host: servers[0], Name: "web-1", State: "failed", Attempt: 1})
	back := f.post("/v1/deployments/d0/rollback", object{}).is(202)
	require.Equal(t, origin, f.command(back.id()).Body.(contract.RollbackCommand).Origin)
	again := f.post("/v1/deployments/d0/retry", object{}).is(202)
	require.Equal(t, origin, f.command(again.id()).Body.(contract.DeployCommand).Origin)
}

func TestALaterChangeChangesNothingThatWasAccepted(t *testing.T) {
	f := start(t)
	_, servers := f.stocked()
	asked := object{"project": "shop", "template": "nightly"}
	id := f.post("/v1/deployments", asked).is(202).id()
	before := f.command(id)
	plan := f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200)
	f.patch("/v1/groups/web", object{"selector": object{"role": "db"}}).is(200)
	f.patch("/v1/projects/shop/stages/production", object{"defaults": object{"environment": object{"B": "changed"}}}).is(200)
	require.Equal(t, before, f.command(id))
	require.Equal(t, servers, f.targetsOf(id))
	require.NotEqual(t, plan.text("digest"), f.post("/v1/deployments", asked.with(object{"dry_run": true})).is(200).text("digest"))
}

func TestNamesOfNothingThatWasDescribedStayNames(t *testing.T) {
	f := start(t)
	f.withHistory()
	f.fleet("a")
	f.shop("1")
	id := f.post("/v1/deployments", object{"project": "free-form", "application": "shop", "version": "1", "servers": []string{"a"}}).is(202).id()
	require.Equal(t, "free-form", f.command(id).Project)
	require.Nil(t, f.command(id).Body.(contract.DeployCommand).Work)
}

func TestAReferenceThatLeadsNowhereIsNamed(t *testing.T) {
	f := start(t)
	f.stocked()
	asked := object{"project": "shop", "application": "shop", "version": "1", "group": "web"}
	for field, wanted := range map[string]object{
		"template": {"template": "weekly"},
		"stage":    {"stage": "testing"},
		"group":    {"group": "nobody"},
		"project":  {"project": nil, "stage": "production"},
		"version":  {"version": nil},
	} {
		require.Contains(t, f.post("/v1/deployments", asked.with(wanted)).refused(422, "invalid_request"), field)
	}
	empty := f.post("/v1/groups", object{"name": "empty", "selector": object{"role": "none"}}).is(201).id()
	require.Equal(t, map[string]string{"group": "matches no server"}, f.post("/v1/deployments", asked.with(object{"group": empty})).refused(422, "invalid_request"))
	stranger := f.as(f.tokenFor(grant("deployer", "other")))
	require.Equal(t, "deployments.create", stranger.post("/v1/deployments", asked.with(object{"template": "nightly"})).is(403).text("permission"))
	require.Zero(t, f.commands())
}

func TestOneSeesTheProjectsThatOneMay(t *testing.T) {
	f := start(t)
	for _, name := range []string{"shop", "web", "zoo"} {
		f.post("/v1/projects", object{"name": name}).is(201)
	}
	shop := f.as(f.tokenFor(grant("administrator", "shop"), grant("viewer", "web")))
	require.Equal(t, []string{"shop", "web"}, shop.pages("/v1/projects?limit=1", "name"))
	shop.post("/v1/projects", object{"name": "mine"}).refused(403, "forbidden")
	f.delete("/v1/projects/shop").is(204)
	id := shop.post("/v1/projects", object{"name": "shop"}).is(201).id()
	shop.post("/v1/projects/"+id+"/stages", object{"name": "production"}).is(201)
	require.Equal(t, "projects.write", shop.post("/v1/projects/web/stages", object{"name": "production"}).is(403).text("permission"))
	shop.get("/v1/projects/web/stages").is(200)
	for _, path := range []string{"/v1/projects/zoo", "/v1/projects/zoo/stages", "/v1/projects/" + f.get("/v1/projects/zoo").id()} {
		shop.get(path).refused(404, "not_found")
	}
	require.Equal(t, "servers.write", shop.post("/v1/groups", object{"name": "x", "selector": object{"a": "b"}}).is(403).text("permission"))
	require.Empty(t, f.as(f.tokenFor(grant("viewer", "nowhere"))).pages("/v1/projects?limit=1", "name"))
}

func TestTheAuditLogSaysInWhichProject(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	f.post("/v1/projects/shop/stages", object{"name": "production", "secrets": object{"TOKEN": "canary-1"}}).is(201)
	f.post("/v1/projects/shop/stages", object{"name": "production"}).is(409)
	f.patch("/v1/projects/shop/stages/production", object{"description": "x"}).is(200)
	f.eventually(func() bool {
		res := f.get("/v1/audit?action=stages.change").is(200)
		return len(res.object()["items"].([]any)) > 0 && fmt.Sprint(res.object()["items"].([]any)[0].(map[string]any)["object"]) == "map[id:shop/production kind:stage]"
	}, "the stage is not named")
	about := map[string]string{}
	for _, item := range f.get("/v1/audit?action=stages.create").is(200).object()["items"].([]any) {
		entry := item.(map[string]any)
		about[fmt.Sprint(entry["outcome"])] = fmt.Sprint(entry["object"].(map[string]any)["id"])
	}
	made := "shop/" + f.get("/v1/projects/shop/stages/production").is(200).id()
	require.Equal(t, map[string]string{"asked": made, "accepted": made, "refused": "shop/"}, about, "the project is named though the stage is new, or is not made")
	require.NotContains(t, string(f.get("/v1/audit").raw), "canary")
}
