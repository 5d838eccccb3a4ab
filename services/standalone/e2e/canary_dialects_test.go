package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// dialects take secrets in ways of their own, from clients that know nothing of Slipway.
func (a *aviary) dialects() []*hosttest.Host {
	root, home := hosttest.Start(a.t, 1, hosttest.WithRoot())[0], hosttest.Start(a.t, 1)[0]
	a.addAll(a.t, []*hosttest.Host{root, home})
	a.sync(root)
	a.platform(root)
	a.modes(home)
	a.sourceDeploy(home)
	return []*hosttest.Host{root, home}
}

// sync fetches files from where the address is the credential.
func (a *aviary) sync(h *hosttest.Host) {
	signature := a.canary("the signature of a file of sync")
	file := content{"index.php": "1"}.tarGz(a.t)
	depot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if r.URL.Query().Get("signature") != signature {
			http.Error(w, "no: "+r.URL.RawQuery+password, http.StatusForbidden)
			return
		}
		_, _ = w.Write(file)
	}))
	a.t.Cleanup(depot.Close)
	o := &office{standalone: a.standalone, depot: depot, hosts: []*hosttest.Host{h}}
	signed := func(secret string) map[string]any {
		return o.request(map[string]any{"filename_delete": nil, "file_url": depot.URL + "/zeus-0.1.1.tar.gz?signature=" + url.QueryEscape(secret)})
	}
	o.says(a.t, "POST", "/deploy", signed(signature), 200, "部署成功!")
	require.Equal(a.t, "1", read(a.t, h, "/var/www/mp-sre-platform/zeus/index.php"), "the depot serves it with the signature alone")
	login := url.UserPassword("ann", a.canary("a password in a URL of sync")).String()
	for what, address := range map[string]string{
		"forbidden": depot.URL + "/x.tar.gz?signature=" + url.QueryEscape(a.canary("a signature of sync that is wrong")),
		"login":     "http://" + login + "@" + depot.Listener.Addr().String() + "/x.tar.gz",
		"no URL":    "http://127.0.0.1:no/" + a.canary("a URL of sync that is none"),
	} {
		_, v := o.ask(a.t, "POST", "/deploy", o.request(map[string]any{"filename": "x.tar.gz", "filename_delete": nil, "file_url": address}))
		require.NotEqual(a.t, 200, v.StatusCode, what)
	}
	_, v := o.ask(a.t, "POST", "/deploy", signed("another "+signature)) // the file is there already, by this name
	require.NotZero(a.t, v.StatusCode)
}

// platform has the credential of a repository in its address, which the script of a deployment is given.
func (a *aviary) platform(h *hosttest.Host) {
	d := &devops{standalone: a.standalone, hosts: []*hosttest.Host{h}, servers: map[string]platformServer{}}
	for _, s := range sent[platformPage[platformServer]](a.t, d, "GET", "/api/servers", nil, http.StatusOK).Items {
		d.servers[s.Name] = s
	}
	secret := a.canary("the credential of a repository")
	login := url.UserPassword("ci", secret).String()
	says := "#!/bin/bash\nset -x\nprintf %s \"$repository\" >/srv/told\necho \"$repository\" \"$GIT_REPO\"; exit "
	for exit, status := range []int{2, 3} {
		created := d.create(a.t, map[string]any{"repository": "https://" + login + "@git.example.com/shop.git", "script": says + strconv.Itoa(exit) + "\n"})
		d.ended(a.t, created.ID, status)
		require.Equal(a.t, "https://"+login+"@git.example.com/shop.git", d.on(a.t, h, "cat /srv/told; rm /srv/told"))
		path := "/compat/platform/api/deployments/" + strconv.Itoa(created.ID)
		require.Equal(a.t, http.StatusOK, a.try("GET", path+"/events", nil).status)
		// As pages of a browser come, with the token in the address.
		a.socket(path+"/ws?token="+a.token, nil)
	}
	status := a.try("POST", "/compat/platform/api/deployments", d.request(map[string]any{
		"repository": "https://" + a.canary("the credential of a repository that is refused") + "@x/", "server_id": "none",
	})).status
	require.Equal(a.t, http.StatusBadRequest, status)
}

// modes has variables that may be secrets, and a secret that callbacks are signed with.
func (a *aviary) modes(h *hosttest.Host) {
	b := &bot{standalone: a.standalone, hosts: []*hosttest.Host{h}}
	b.native(a.t, "/v1/projects", object{"name": "roas"})
	b.native(a.t, "/v1/projects/roas/stages", object{"name": "dev", "defaults": object{"servers": []string{h.Name}}})
	b.native(a.t, "/v1/projects/roas/templates", object{"name": "development", "defaults": object{
		"runtime": object{"kind": "auto", "python": object{"offline": true}},
		"restart": object{"command": `printf %s "$DISCORD_TOKEN" >"$HOME/TOKEN"; echo "$DISCORD_TOKEN"; env`},
	}})
	b.release(a.t, "1", nil)
	secret, key := a.canary("a variable of modes"), a.canary("the secret of a callback of modes")
	receiver := a.receiver(key, http.StatusOK)
	asked := shownRequest("fallback", receiver.URL)
	asked["callback_secret"] = signing(key)
	asked["config"].(object)["environment_variables"] = object{"DISCORD_TOKEN": secret}
	b.completes(a.t, b.start(a.t, asked))
	requireTook(a.t, h, secret)
	eventually(a.t, func() bool { return receiver.signed.Load() > 0 }, "callbacks are signed")
	for name, value := range map[string]any{
		"callback_secret": a.canary("a secret of modes that is none"),
		"config":          object{"environment_variables": a.canary("variables of modes that are a text")},
	} {
		bad := shownRequest("fallback", receiver.URL)
		bad[name] = value
		a.refused("POST", "/compat/modes/api/deployments", bad)
	}
}

// sourceDeploy runs scenarios, to which native templates give secrets.
func (a *aviary) sourceDeploy(h *hosttest.Host) {
	s := &shop{standalone: a.standalone, hosts: []*hosttest.Host{h}, names: []string{h.Name}}
	s.project = resultOf[idName](a.t, a.standalone, "POST", "/project", object{"name": "web-shop"}).ID
	s.stage = resultOf[idName](a.t, a.standalone, "POST", fmt.Sprintf("/project/%d/stage/", s.project), object{
		"name": "production", "type": "Server", "config": object{"serverNo": []uint64{a.serverNumber(h)}},
	}).ID
	secret := a.canary("a secret of a stage of sourcedeploy")
	must[any](a.t, a.client, request{method: "PATCH", path: "/v1/projects/web-shop/stages/production", body: object{"secrets": object{"TOKEN": secret}}}, http.StatusOK)
	a.upload(a.t, "web", "1", "web.tar.gz", content{"VERSION": "1"}.tarGz(a.t))
	for exit, status := range []string{"success", "fail"} {
		scenario := s.scenario(a.t, status, object{"application": "web", "hooks": object{"after": []object{{
			"name": "take", "command": `printf %s "$TOKEN" >"$HOME/TOKEN"; echo "$TOKEN"; exit ` + strconv.Itoa(exit),
		}}}})
		s.awaitStatus(a.t, s.run(a.t, scenario, ""), status)
		requireTook(a.t, h, secret)
	}
}

// serverNumber is what sourcedeploy calls a host.
func (a *aviary) serverNumber(h *hosttest.Host) uint64 {
	list := resultOf[struct {
		ServerList []struct {
			ServerNo uint64 `json:"serverNo"`
			Name     string `json:"name"`
		} `json:"serverList"`
	}](a.t, a.standalone, "GET", "/server", nil)
	for _, one := range list.ServerList {
		if one.Name == h.Name {
			return one.ServerNo
		}
	}
	require.Fail(a.t, "sourcedeploy does not list a server", h.Name)
	return 0
}
