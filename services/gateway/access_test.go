package gateway_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

var roles = []string{"viewer", "deployer", "approver", "administrator"}

// grant is a role over all, or in a project.
func grant(role, project string) object {
	g := object{"role": role}
	if project != "" {
		g["project"] = project
	}
	return g
}

// tokenFor makes a token with these grants.
func (f *fixture) tokenFor(grants ...object) string {
	f.Helper()
	return f.post("/v1/tokens", object{"name": "somebody", "grants": grants}).is(201).text("token")
}

// as is the fixture with another token.
func (f *fixture) as(token string) *fixture {
	other := *f
	other.token = token
	return &other
}

// permission is a row of the table in docs/access.md.
type permission struct {
	about string
	has   map[string]bool // by role
}

// documented reads the table of docs/access.md.
func documented(t *testing.T) map[string]permission {
	t.Helper()
	text, err := os.ReadFile("../../docs/access.md")
	require.NoError(t, err)
	all := map[string]permission{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| ([a-z ]+) \\|((?:[ ✓]*\\|){4})").FindAllStringSubmatch(string(text), -1) {
		p := permission{m[2], map[string]bool{}}
		for i, cell := range strings.Split(m[3], "|")[:4] {
			p.has[roles[i]] = strings.Contains(cell, "✓")
		}
		all[m[1]] = p
	}
	require.Len(t, all, 24)
	return all
}

// operations returns every operation of openapi.yaml that needs a permission.
func operations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, op := range openapi().Operations() {
		if op.Permission != "" {
			all[op.Name()] = op.Permission
		}
	}
	return all
}

// world is something of the project shop for every operation to be about.
type world struct {
	*fixture
	deployment, hook, delivery, token string
}

func unlimited(c *gateway.Config) { c.Limits.CallerRate, c.Limits.AddressRate = 0, 0 }

func newWorld(t *testing.T, configure ...func(*gateway.Config)) *world {
	t.Helper()
	f := start(t, append(configure, withWebhooks(t), unlimited)...)
	w := &world{fixture: f, deployment: "d3v5k1jq0s9c73a1b2c0"}
	s := f.withScheduler()
	s.stand(w.deployment, "running")
	d := finished(w.deployment, "1", 1)
	d.Project, d.Seq = "shop", 1000
	f.withHistory().know(d, contract.TargetStatus{Host: "h1", Name: "web-1", State: "succeeded"})
	f.tellOf("shop", w.deployment, "", contract.ConcludedEvent{State: "succeeded"})
	w.renew()
	return w
}

// renew makes anew what an operation may have removed.
func (w *world) renew() {
	w.Helper()
	if w.hook == "" || w.get("/v1/webhooks/"+w.hook).StatusCode == 404 {
		w.hook, _ = w.fixture.hook(object{"url": "http://127.0.0.1:1/", "projects": []string{"shop"}})
		w.delivery = w.post("/v1/webhooks/"+w.hook+"/test", nil).is(202).id()
	}
	w.post("/v1/webhooks/"+w.hook+"/resume", nil).is(200)
	for _, path := range []string{"/v1/projects", "/v1/projects/shop/applications", "/v1/projects/shop/stages", "/v1/projects/shop/templates"} {
		if w.get(path+"/shop").StatusCode == 404 {
			w.post(path, object{"name": "shop"}).is(201)
		}
	}
	if w.get("/v1/groups/shop").StatusCode == 404 {
		w.post("/v1/groups", object{"name": "shop", "selector": object{"a": "b"}}).is(201)
	}
	if w.token == "" || w.get("/v1/tokens/"+w.token).StatusCode == 404 {
		w.token = w.post("/v1/tokens", object{"name": "x", "grants": []object{grant("viewer", "shop")}}).is(201).id()
	}
}

// try sends an operation that is about the project shop, and returns the status and the
// permission that is said to be missing.
func (w *world) try(operation, token string) (status int, missing string) {
	w.Helper()
	method, path, _ := strings.Cut(operation, " ")
	id := cmp.Or(map[string]string{"deployments": w.deployment, "webhooks": w.hook, "tokens": w.token}[strings.Split(path, "/")[2]], "x")
	body := map[string]string{
		"POST /v1/deployments":                     `{"project":"shop"}`,
		"POST /v1/deployments/batch":               `{"deployments":[{"project":"shop"}]}`,
		"POST /v1/applications/{application}/init": `{"project":"shop"}`,
		"POST /v1/packages":                        `{"project":"shop"}`,
		"POST /v1/webhooks":                        `{"url":"http://127.0.0.1:1/","projects":["shop"]}`,
		"POST /v1/tokens":                          `{"name":"x","grants":[{"role":"viewer","project":"shop"}]}`,
		"PATCH /v1/webhooks/{id}":                  `{"description":"x"}`,
		"POST /v1/projects":                        `{"name":"shop"}`,
	}[operation]
	if strings.Contains(operation, " /v1/projects/{project}") { // the body is looked at first
		body = map[string]string{"POST": `{"name":"shop"}`, "PATCH": `{"description":"x"}`}[method]
	}
	path = strings.NewReplacer("{id}", id, "{delivery}", w.delivery, "{application}", "shop", "{server}", "x", "{service}", "x", "{replica}", "x",
		"{project}", "shop", "{stage}", "shop", "{template}", "shop", "{group}", "shop").Replace(path)
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.url+path, strings.NewReader(body))
	require.NoError(w, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.client.Do(req)
	require.NoError(w, err)
	defer res.Body.Close()
	if res.StatusCode >= 400 { // others may never end
		raw, err := io.ReadAll(res.Body)
		require.NoError(w, err)
		var p struct{ Permission, Code string }
		require.NoError(w, json.Unmarshal(raw, &p))
		require.Equal(w, res.StatusCode == 403, p.Code == "forbidden", "%s", raw)
		missing = p.Permission
	}
	return res.StatusCode, missing
}

// Every role on every route, over all, in the project that the route is about, and in
// another one: what is answered is what docs/access.md and openapi.yaml say.
func TestEveryRoleMayWhatTheDocsSayOnEveryRoute(t *testing.T) {
	w := newWorld(t)
	permissions, lists := documented(t), map[string]bool{
		"GET /v1/deployments": true, "GET /v1/events": true, "GET /v1/webhooks": true, "GET /v1/tokens": true, "GET /v1/projects": true,
	}
	for _, role := range roles {
		for _, project := range []string{"", "shop", "other"} {
			token := w.tokenFor(grant(role, project))
			for operation, needs := range operations(t) {
				p, ok := permissions[needs]
				require.True(t, ok, "%s needs %s, which docs/access.md does not have", operation, needs)
				w.renew()
				status, missing := w.try(operation, token)
				what := role + " in " + project + ": " + operation
				there := project == "" || p.about == "shared by all" || p.about == "a project" && (project == "shop" || lists[operation])
				switch {
				case p.has[role] && there:
					require.NotContains(t, []int{401, 403}, status, what)
					require.True(t, status != 404 || operation == "DELETE /v1/locks/{server}" || strings.Contains(operation, "/v1/servers/") || strings.Contains(operation, "/v1/services/") ||
						strings.Contains(operation, "/v1/packages/"), "%s: %d", what, status)
				case p.has[role] && p.about == "a project" && (strings.Contains(operation, "{id}") || strings.Contains(operation, "{project}")):
					require.Equal(t, 404, status, what)
				case p.about == "a project" && project == "other" && strings.Contains(operation, "/deployments/{id}"):
					require.Contains(t, []int{403, 404}, status, what)
				default:
					require.Equal(t, 403, status, what)
					require.Equal(t, needs, missing, what)
				}
			}
		}
	}
}

func TestNobodyGetsInWithoutACredentialOrARole(t *testing.T) {
	w := newWorld(t)
	cells := w.storedTokens()
	_, err := cells.Put(t.Context(), digest([]byte("slw_guest")), map[string]any{"id": "x", "name": "guest"})
	require.NoError(t, err)
	for operation, needs := range operations(t) {
		status, _ := w.try(operation, "")
		require.Equal(t, 401, status, operation)
		status, missing := w.try(operation, "slw_guest")
		if needs == "self.read" {
			require.Equal(t, 200, status)
			continue
		}
		require.Equal(t, 403, status, operation)
		require.Equal(t, needs, missing, operation)
	}
}

func TestListsShowWhatOneMaySee(t *testing.T) {
	f := start(t, withWebhooks(t))
	h := f.withHistory()
	ids := make([]string, 6)
	for i, project := range []string{"", "shop", "web", "", "shop", "web"} {
		ids[i] = fmt.Sprintf("%020d", i)
		d := finished(ids[i], "1", 1)
		d.Project = project
		h.know(d)
	}
	for _, projects := range [][]string{{"shop"}, {"web"}, {"shop", "web"}, {}} {
		f.hook(object{"url": "http://127.0.0.1:1/", "projects": projects, "description": strings.Join(projects, "+")})
	}
	shop, both := f.as(f.tokenFor(grant("administrator", "shop"))), f.as(f.tokenFor(grant("administrator", "shop"), grant("administrator", "web")))
	require.Equal(t, []string{ids[4], ids[1]}, shop.pages("/v1/deployments?limit=1", "id"))
	require.Equal(t, []string{ids[5], ids[4], ids[2], ids[1]}, both.pages("/v1/deployments?limit=3", "id"))
	require.Equal(t, []string{ids[5], ids[4], ids[3], ids[2], ids[1], ids[0]}, f.pages("/v1/deployments?limit=3", "id"))
	require.Equal(t, []string{"shop"}, shop.pages("/v1/webhooks?limit=1", "description"))
	require.Equal(t, []string{"shop", "web", "shop+web"}, both.pages("/v1/webhooks?limit=1", "description"))
	require.Len(t, shop.pages("/v1/tokens?limit=1", "id"), 1, "its own")
	require.Len(t, both.pages("/v1/tokens?limit=1", "id"), 2)
	require.Len(t, f.pages("/v1/tokens?limit=1", "id"), 3)
	none := f.as(f.tokenFor(grant("administrator", "empty")))
	require.Empty(t, none.pages("/v1/deployments?limit=1", "id"))
	require.Empty(t, none.pages("/v1/webhooks?limit=1", "id"))
}

func TestALongListIsGoneThroughInParts(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	for i := range 3000 {
		d := finished(fmt.Sprintf("%020d", i+1), "1", 1)
		d.Project = "web"
		h.know(d)
	}
	mine := finished(fmt.Sprintf("%020d", 0), "1", 1)
	mine.Project = "shop"
	h.know(mine)
	shop := f.as(f.tokenFor(grant("viewer", "shop")))
	first := shop.get("/v1/deployments").is(200)
	require.Empty(t, first.object()["items"])
	require.NotEmpty(t, first.text("next_cursor"), "nobody waits for all of it to be read")
	require.Equal(t, []string{mine.ID}, shop.pages("/v1/deployments?limit=100", "id"))
}

func TestEventsAreShownToWhoMaySeeThem(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Beat = 10 * time.Millisecond })
	f.begin("d0")
	s := f.as(f.tokenFor(grant("viewer", "shop"))).watch(f.url, "/v1/events?after=1", "")
	f.tellOf("web", "d1", "", contract.WaveEvent{})
	f.tellOf("", "d2", "", contract.WaveEvent{})
	f.tellOf("shop", "d3", "", contract.WaveEvent{})
	require.Equal(t, "4", s.line("id: "))
	f.tellOf("web", "d1", "", contract.ConcludedEvent{State: "succeeded"})
	s.line(":") // alive, though there is nothing for it
	f.tellOf("shop", "d3", "", contract.ConcludedEvent{State: "succeeded"})
	require.Equal(t, "6", s.line("id: "))
}

func TestWhoIsNotLetInAnyMoreIsShownNothingMore(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Beat = 10 * time.Millisecond })
	f.begin("d0")
	made := f.post("/v1/tokens", object{"name": "watcher", "grants": []object{grant("viewer", "")}}).is(201)
	s := f.as(made.text("token")).watch(f.url, "/v1/events?after=1", "")
	s.line(":")
	f.delete("/v1/tokens/" + made.id()).is(204)
	late := time.AfterFunc(patience, s.close)
	defer late.Stop()
	_, err := io.Copy(io.Discard, s.lines)
	require.NoError(t, err, "the stream does not end by itself")
}

func TestADeploymentIsMadeWhereOneMay(t *testing.T) {
	f := start(t)
	f.withHistory()
	f.fleet("a")
	f.shop("1")
	shop := f.as(f.tokenFor(grant("deployer", "shop"), grant("viewer", "web")))
	wanted := object{"application": "shop", "version": "1", "servers": []string{"a"}}
	for _, project := range []any{nil, "web"} {
		res := shop.post("/v1/deployments", wanted.with(object{"project": project}))
		res.refused(403, "forbidden")
		require.Equal(t, "deployments.create", res.text("permission"))
		require.Contains(t, res.text("detail"), "only in: shop")
	}
	require.Contains(t, shop.post("/v1/deployments", wanted.with(object{"project": ""})).refused(422, "invalid_request"), "project")
	require.Zero(t, f.commands())
	made := shop.post("/v1/deployments", wanted.with(object{"project": "shop"})).is(202)
	require.Equal(t, "somebody", f.command(made.id()).Body.(contract.DeployCommand).Actor)
	shop.get("/v1/deployments/" + made.id()).is(200)
	web := f.as(f.tokenFor(grant("administrator", "web")))
	web.get("/v1/deployments/"+made.id()).refused(404, "not_found")
	web.post("/v1/deployments/"+made.id()+"/cancel", object{}).refused(404, "not_found")
	viewer := f.as(f.tokenFor(grant("viewer", "shop")))
	viewer.get("/v1/deployments/" + made.id()).is(200)
	require.Equal(t, "deployments.control", viewer.post("/v1/deployments/"+made.id()+"/cancel", object{}).is(403).text("permission"))
	viewer.get("/v1/deployments/nobody").refused(404, "not_found")
}

func TestAWebhookStaysWhereOneMay(t *testing.T) {
	f := start(t, withWebhooks(t))
	shop := f.as(f.tokenFor(grant("administrator", "shop")))
	to := object{"url": "http://127.0.0.1:1/"}
	for _, projects := range []any{nil, []string{}, []string{"web"}, []string{"shop", "web"}} {
		shop.post("/v1/webhooks", to.with(object{"projects": projects})).refused(403, "forbidden")
	}
	id, _ := shop.hook(to.with(object{"projects": []string{"shop"}}))
	path := "/v1/webhooks/" + id
	shop.patch(path, object{"projects": []string{"web"}}).refused(403, "forbidden")
	shop.patch(path, object{"projects": nil}).refused(403, "forbidden")
	require.Equal(t, []any{"shop"}, f.get(path).object()["projects"])
	f.patch(path, object{"projects": []string{"web"}}).is(200)
	shop.patch(path, object{"projects": []string{"shop"}}).refused(404, "not_found")
	shop.delete(path).refused(404, "not_found")
}

// Of an archived deployment its project is not known, so it tells nobody that it was there who may not see all.
func TestAnArchivedDeploymentIsNotFoundByWhoMayNotSeeIt(t *testing.T) {
	f := start(t)
	no := func(contract.Message) contract.Body {
		return contract.Refused{Code: contract.RefusedArchived, Message: "as web/2026-05-02/d.jsonl.gz"}
	}
	for _, subject := range []string{contract.QueryDeployment, contract.QueryTargets, contract.QueryOutput} {
		f.respond(subject, no)
	}
	path := "/v1/deployments/" + xid.New().String()
	shop, all := f.as(f.tokenFor(grant("administrator", "shop"))), f.as(f.tokenFor(grant("viewer", "")))
	for _, part := range []string{"", "/targets", "/logs"} {
		res := shop.get(path + part)
		res.refused(404, "not_found")
		require.NotContains(t, string(res.raw), "archive")
		require.NotContains(t, string(res.raw), "web")
		all.get(path+part).refused(410, "deployment_archived")
	}
	for _, asked := range []string{"/rollback", "/retry", "/cancel", "/approve"} {
		shop.post(path+asked, object{}).refused(404, "not_found")
	}
}

// What is known of its project still lets those see it who may, and nobody else.
func TestAnArchivedDeploymentIsToldToWhoMaySeeItsProject(t *testing.T) {
	f := start(t)
	f.respond(contract.QueryTargets, func(contract.Message) contract.Body {
		return contract.Refused{Code: contract.RefusedArchived, Message: "it went"}
	})
	f.tellOf("shop", "d1", "", contract.ConcludedEvent{State: "succeeded"})
	f.as(f.tokenFor(grant("viewer", "shop"))).get("/v1/deployments/d1/targets").refused(410, "deployment_archived")
	f.as(f.tokenFor(grant("administrator", "web"))).get("/v1/deployments/d1/targets").refused(404, "not_found")
}
