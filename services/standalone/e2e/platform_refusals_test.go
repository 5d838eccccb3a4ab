package e2e

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// refusedFields are the names of what a request is refused for.
func (d *devops) refusedFields(t *testing.T, body any) map[string]string {
	t.Helper()
	refused := sent[platformRefusal](t, d, "POST", "/api/deployments", body, http.StatusBadRequest)
	require.NotEmpty(t, refused.Error)
	require.NotEmpty(t, refused.Code)
	return refused.Fields
}

func TestPlatformNamesEachFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	h := d.hosts[0]
	require.Equal(t, map[string]string{
		"name": "is required", "server_id": "is required", "repository": "is required", "path": "is required", "script": "is required",
	}, d.refusedFields(t, map[string]any{}))
	require.Equal(t, map[string]string{
		"name": "must be a string", "server_id": "must be the number of a server", "repository": "is required", "path": "must be an absolute path of a directory, without '..'",
		"script": "is required", "branch": "must be a string", "execution_mode": "must be parallel or serial", "timeout": "must be a whole number",
	}, d.refusedFields(t, map[string]any{
		"name": []string{"a"}, "server_id": -1, "repository": " ", "path": "apps/shop", "script": nil, "branch": map[string]any{}, "execution_mode": "both", "timeout": "soon",
	}))
	for field, change := range map[string]map[string]any{
		"server_id":  {"server_id": 99},
		"server_ids": {"server_ids": []any{d.server(h), "x"}},
		"path":       {"path": "/opt/../etc/shop"},
		"script":     {"script": "\n "},
		"name":       {"name": strings.Repeat("n", 5000)},
		"timeout":    {"timeout": -5},
	} {
		require.Equal(t, []string{field}, sortedKeys(d.refusedFields(t, d.request(change))), "%v", change)
	}

	// What the document shows in Python is no JSON.
	a := d.answered(t, request{
		method: "POST", path: "/compat/platform/api/deployments", body: []byte("{'name': 'web'}"), header: map[string]string{"Content-Type": "application/json"},
	})
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.String(), "Python")

	sent[platformRefusal](t, d, "GET", "/api/deployments/7", nil, http.StatusNotFound)
	sent[platformRefusal](t, d, "GET", "/api/servers/7", nil, http.StatusNotFound)
	require.Equal(t, []string{"id"}, sortedKeys(sent[platformRefusal](t, d, "GET", "/api/deployments/web", nil, http.StatusBadRequest).Fields))

	// Where another application lies, none can be.
	d.upload(t, app, "1", "shop.tar.gz", contentOf("1", 0).tarGz(t))
	taken := must[deployment](t, d.client, request{method: "POST", path: "/v1/deployments", body: map[string]any{
		"application": app, "version": "1", "servers": []string{h.Name}, "path": "/srv/apps/shop",
	}}, http.StatusAccepted)
	d.succeed(t, taken.ID)
	for _, path := range []string{"/srv/apps/shop", "/srv/apps/shop/", "/srv/apps/shop/current/public", "/srv/apps"} {
		require.Equal(t, map[string]string{
			"path": "is in use on " + h.Name + " by the application shop, which lies at /srv/apps/shop",
		}, d.refusedFields(t, d.request(map[string]any{"path": path})))
	}
	require.Equal(t, "1", read(t, h, "/srv/apps/shop/current/VERSION"))
	require.Empty(t, sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK).Items)

	// A form is as good, and what is not known is not looked at.
	form := url.Values{
		"name": {"of a form"}, "server_id": {strconv.Itoa(d.server(h))}, "repository": {repositoryOnHost}, "path": {shopPath + "/"},
		"script": {documented}, "timeout": {"60"}, "unknown": {"1"}, "branch": {""},
	}
	a = d.answered(t, request{
		method: "POST", path: "/compat/platform/api/deployments", body: []byte(form.Encode()),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	require.Equal(t, http.StatusCreated, a.status, "%s", a)
	page := sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK)
	require.Equal(t, []string{"of a form"}, namesOf(page.Items))
	d.ended(t, page.Items[0].ID, 2)
	require.Equal(t, "first\n", read(t, h, shopPath+"/content"))
}

func TestPlatformLetsInWhoShowsAToken(t *testing.T) {
	t.Parallel()
	const secret = "the secret of JWTs in this test, of length"
	d := &devops{standalone: startStandalone(t, "--gateway-jwt-issuer", issuer, "--gateway-jwt-audience", "slipway", "--gateway-jwt-secret", secret)}
	token := d.token
	routes := []string{
		"POST /api/deployments", "GET /api/deployments", "GET /api/deployments/1", "GET /api/deployments/1/events", "GET /api/deployments/1/ws",
		"GET /api/servers", "GET /api/servers/1",
	}
	for _, bad := range []string{"", "slw_wrong", signedJWT(t, "another secret of JWTs, and long enough")} {
		d.token = bad
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			refused := sent[platformRefusal](t, d, method, path, nil, http.StatusUnauthorized)
			require.Equal(t, "unauthorized", refused.Code, route) //nolint:misspell // as HTTP spells it
			require.NotEmpty(t, refused.Error)
		}
		sent[platformRefusal](t, d, "GET", "/api/deployments?token="+token, nil, http.StatusUnauthorized)
		d.token = token // or the address is locked out
		sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK)
	}
	d.token = signedJWT(t, secret)
	sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK)
	made := must[struct {
		Token string `json:"token"`
	}](t, d.client, request{method: "POST", path: "/v1/tokens", body: map[string]any{
		"name": "viewer", "grants": []map[string]any{{"role": "viewer"}},
	}}, http.StatusCreated)
	d.token = made.Token
	sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments", nil, http.StatusOK)
	require.Equal(t, "forbidden", sent[platformRefusal](t, d, "POST", "/api/deployments", map[string]any{}, http.StatusForbidden).Code)
}

func TestPlatformShowsPagesOfWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 1)
	create := func(name, script string) int {
		return d.create(t, map[string]any{"name": name, "script": script, "path": "/opt/" + name}).ID
	}
	list := func(query string) platformPage[platformDeployment] {
		return sent[platformPage[platformDeployment]](t, d, "GET", "/api/deployments?"+query, nil, http.StatusOK)
	}
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		d.ended(t, create(name, []string{"true", "exit 3"}[i%2]), 2+i%2)
	}
	at := d.show(t, 3).CreatedAt
	// Three may be under way; of these, one at a time on a host. The fourth waits.
	for _, name := range []string{"f", "g", "h"} {
		create(name, gated)
	}
	eventually(t, func() bool { return list("status=1").Total == 3 }, "three are under way")
	create("i", gated)
	eventually(t, func() bool { return list("status=0").Total == 1 }, "one waits")

	names := func(p platformPage[platformDeployment], total, page, size int) []string {
		require.Equal(t, []int{total, page, size}, []int{p.Total, p.Page, p.Size})
		return namesOf(p.Items)
	}
	require.Equal(t, []string{"i", "h", "g", "f", "e", "d", "c", "b", "a"}, names(list(""), 9, 1, 20))
	require.Equal(t, []string{"i", "h"}, names(list("page_size=2"), 9, 1, 2))
	require.Equal(t, []string{"g", "f"}, names(list("page=2&page_size=2"), 9, 2, 2))
	require.Equal(t, []string{"a"}, names(list("page=5&page_size=2&status="), 9, 5, 2))
	require.Empty(t, names(list("page=6&page_size=2"), 9, 6, 2))
	require.Empty(t, names(list("page=999999999&page_size=100"), 9, 999999999, 100))
	require.Equal(t, []string{"i"}, names(list("status=0"), 1, 1, 20))
	require.Equal(t, []string{"h", "g", "f"}, names(list("status=1"), 3, 1, 20))
	require.Equal(t, []string{"e", "c", "a"}, names(list("status=2"), 3, 1, 20))
	require.Equal(t, []string{"d", "b"}, names(list("status=3"), 2, 1, 20))
	for _, from := range []string{at.Format(time.RFC3339Nano), at.Local().Format(time.RFC3339Nano)} {
		require.Equal(t, []string{"e", "c"}, names(list("status=2&created_from="+url.QueryEscape(from)), 2, 1, 20))
	}
	require.Equal(t, []string{"b", "a"}, names(list("created_to="+url.QueryEscape(at.Format(time.RFC3339Nano))), 2, 1, 20))
	past, future := at.Add(-48*time.Hour).UTC(), at.Add(48*time.Hour).UTC()
	for _, form := range []string{time.DateTime, time.DateOnly, "2006-01-02T15:04:05"} {
		query := url.Values{"created_from": {past.Format(form)}, "created_to": {future.Format(form)}}
		require.Equal(t, 9, list(query.Encode()).Total, form)
		require.Zero(t, list(url.Values{"created_from": {future.Format(form)}}.Encode()).Total, form)
	}
	require.Equal(t, 9, list("created_from="+strconv.FormatInt(past.Unix(), 10)).Total)
	for field, query := range map[string]string{
		"status": "status=4", "page": "page=0", "page_size": "page_size=101", "created_from": "created_from=yesterday",
	} {
		refused := sent[platformRefusal](t, d, "GET", "/api/deployments?"+query, nil, http.StatusBadRequest)
		require.Equal(t, []string{field}, sortedKeys(refused.Fields), query)
	}
	d.on(t, d.hosts[0], "touch /srv/go")
	eventually(t, func() bool { return list("status=2").Total == 7 }, "all have ended")
}
