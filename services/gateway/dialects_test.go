package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// ofRex is a gateway with an inventory of rex, in which two programs were downloaded and a third was not.
func ofRex(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	f := start(t, func(c *gateway.Config) {
		c.Rex.Inventory, c.Rex.Soft, c.Rex.Configure = at("inventory.csv"), at("softdir"), at("configuredir")
		c.Rex.RemoteCom, c.Rex.Update = at("remotecomdir"), at("updatedir")
		for name, content := range map[string]string{
			"inventory.csv": "app_key,local_name,is_deploy_dir,configure_file_status,configure_file_list,pro_dir,config_dir,server_name,network_ip\n" +
				"one,one,1,0,,/data/one,/data/one/conf,web-1,10.0.0.1\n" +
				"none,none,1,0,,/data/none,/data/none/conf,nobody,10.0.0.9\n",
			"remotecomdir/softdir/one/run": "1", "remotecomdir/configuredir/one/a.conf": "1", "softdir/here": "", "configuredir/here": "", "updatedir/here": "",
		} {
			require.NoError(t, os.MkdirAll(filepath.Dir(at(name)), 0o755))
			require.NoError(t, os.WriteFile(at(name), []byte(content), 0o600))
		}
	})
	f.client = http.DefaultClient // openapi.yaml says nothing of dialects
	return f
}

func TestTheAuditLogSaysWhatBecameOfACallInADialect(t *testing.T) {
	f := ofRex(t)
	const (
		rex  = "/compat/rex"
		sync = "/compat/sync"
	)
	release := object{
		"project_name": "shop", "link_name": "shop", "language": "php", "filename": "shop.tar", "server_list": []string{"nobody"}, "file_url": "http://127.0.0.1:1/shop.tar",
	}
	for name, one := range map[string]struct {
		path string
		body object
		want audit.Entry
	}{
		"brought":        {rex, object{"action": "Deploy:Core:syncpro", "k": "one"}, audit.Entry{Action: "rex.run", Outcome: audit.Accepted}},
		"part-of-it":     {rex, object{"action": "Deploy:Core:syncpro", "k": "one,none"}, audit.Entry{Action: "rex.run", Outcome: audit.Failed}},
		"not-released":   {rex, object{"action": "Deploy:Core:deploy", "k": "none"}, audit.Entry{Action: "rex.run", Outcome: audit.Failed}},
		"no-such-name":   {rex, object{"action": "Deploy:Core:syncpro", "k": "else"}, audit.Entry{Action: "rex.run", Outcome: audit.Refused, Code: "invalid_request"}},
		"no-such-action": {rex, object{"action": "Deploy:Core:other", "k": "one"}, audit.Entry{Action: "rex.run", Outcome: audit.Refused, Code: "invalid_request"}},
		"no-server":      {sync + "/deploy", release, audit.Entry{Action: "sync.deploy", Outcome: audit.Refused, Code: "invalid_request"}},
		"no-rollback":    {sync + "/rollback", release, audit.Entry{Action: "sync.rollback", Outcome: audit.Refused, Code: "invalid_request"}},
	} {
		f.ask(name, request{method: "POST", path: one.path + "?token=" + f.token, body: one.body}).is(200)
		got := f.concluded(name, 1)[0]
		require.Equal(t, one.want, audit.Entry{Action: got.Action, Outcome: got.Outcome, Code: got.Code}, name)
		require.Equal(t, 200, got.Status, "what was answered")
	}
}

func TestADialectThatIsNotSetUpSaysWhichSettingsItNeeds(t *testing.T) {
	f := start(t)
	f.client = http.DefaultClient // openapi.yaml says nothing of dialects
	begin := object{"deployment_mode": "docker"}
	for _, one := range []request{
		{method: "POST", path: "/compat/modes/api/deployments", body: begin},
		{method: "GET", path: "/compat/modes/api/deployments"},
		{method: "GET", path: "/compat/modes/api/deployments/x/progress"},
	} {
		res := f.send(one).is(409)
		require.Equal(t, []string{"EnvironmentError", "dialect_off"}, []string{res.text("error"), res.text("code")})
		require.Contains(t, res.text("message"), "modes.project")
		require.Empty(t, res.Header.Get("Retry-After"), "it is no use to come again")
	}
	res := f.ask("off", request{method: "POST", path: "/compat/rex", body: object{"action": "Deploy:Core:syncpro", "k": "one"}}).is(200)
	require.Equal(t, "-1", res.text("code"))
	require.Contains(t, res.text("msg"), "rex.inventory")
	got := f.concluded("off", 1)[0]
	require.Equal(t, audit.Entry{Outcome: audit.Refused, Code: "dialect_off"}, audit.Entry{Outcome: got.Outcome, Code: got.Code})
}

func TestARefusedRequestInADialectFreesItsKey(t *testing.T) {
	f := ofRex(t)
	wanted := request{
		method: "POST", path: "/compat/rex?token=" + f.token, body: object{"action": "Deploy:Core:syncpro", "k": "one"}, header: map[string]string{"Idempotency-Key": "once"},
	}
	inventory := f.cfg.Rex.Inventory
	require.NoError(t, os.Rename(inventory, inventory+".away"))
	require.Contains(t, string(f.send(wanted).is(200).raw), `"code":"-1"`)
	require.NoError(t, os.Rename(inventory+".away", inventory))
	again := f.send(wanted).is(200)
	require.Contains(t, string(again.raw), `"0":"1"`, "it is done now")
	require.Empty(t, again.Header.Get("Idempotency-Replayed"))
	require.Equal(t, "true", f.send(wanted).is(200).Header.Get("Idempotency-Replayed"))
}

func TestWhatADialectDoesNotHaveIsRefusedInItsForm(t *testing.T) {
	f := start(t)
	f.client = http.DefaultClient
	const absent, method = "there is no such resource", "this resource does not have the method "
	for _, one := range []struct {
		method, path string
		status       int
		allow        string
		said         []string // besides what is wrong
	}{
		{"GET", "/compat/rex", 405, "POST", []string{`"code":"-1"`, `"data":{"0":"0","1":"","2":""}`, `"take":"0"`}},
		{"POST", "/compat/rex/foo", 404, "", []string{`"code":"-1"`, `"parseparameters":{`}},
		{"GET", "/compat/sync/deploy", 405, "POST", []string{`"status_code":501`, `"data":{"method_not_allowed":`}},
		{"POST", "/compat/sync/", 404, "", []string{`"status_code":501`, `"data":{"not_found":`}},
		{"DELETE", "/compat/platform/api/deployments/1", 405, "GET", []string{`{"error":"`, `"code":"method_not_allowed"`}},
		{"GET", "/compat/platform", 404, "", []string{`{"error":"`, `"code":"not_found"`}},
		{"PUT", "/compat/sourcedeploy/project/1/history/2/cancel/", 405, "POST", []string{`{"error":{"errorCode":"100","message":"Bad Request","details":"method_not_allowed: `}},
		{"GET", "/compat/sourcedeploy/x", 404, "", []string{`{"error":{"errorCode":"300","message":"Not Found","details":"not_found: `}},
		{"DELETE", "/compat/modes/api/deployments", 405, "GET", []string{`{"error":"DeploymentError","code":"method_not_allowed","message":"部署失敗: `}},
		{"GET", "/compat/modes/api/nothing", 404, "", []string{`{"error":"DeploymentError","code":"not_found"`}},
		{"POST", "/api/deployments/uv_20250827_100000_a1b2c3d4/logs", 405, "GET", []string{`{"error":"DeploymentError"`}},
		{"GET", "/api/deployments/uv_20250827_100000_a1b2c3d4/nothing", 404, "", []string{`{"error":"DeploymentError"`}},
	} {
		res := f.send(request{method: one.method, path: one.path + "?token=" + f.token}).is(one.status)
		what := one.method + " " + one.path + ": " + string(res.raw)
		require.Equal(t, "application/json", res.Header.Get("Content-Type"), what)
		if one.status == 405 {
			require.Contains(t, res.Header.Get("Allow"), one.allow, what)
			one.said = append(one.said, method+one.method)
		} else {
			one.said = append(one.said, absent)
		}
		for _, said := range one.said {
			require.Contains(t, string(res.raw), said, what)
		}
		require.NotContains(t, string(res.raw), f.token)
	}
	for _, path := range []string{"/compat", "/compat/", "/compat/other", "/compat/rexes", "/api/deployments"} {
		f.send(request{method: "GET", path: path}).refused(404, "not_found")
	}
}

func TestAFormInPartsIsRefusedInTheFormOfTheDialect(t *testing.T) {
	f := start(t)
	f.client = http.DefaultClient
	for path, said := range map[string]string{
		"/compat/rex":                      `"msg":"校验和解析参数失败: the body is multipart/form-data; send JSON or application/x-www-form-urlencoded"`,
		"/compat/sync/deploy":              `{"status_code":501,"data":{"unsupported_media_type":"the body is multipart/form-data; send JSON or application/x-www-form-urlencoded"}}`,
		"/compat/platform/api/deployments": `"error":"the body is multipart/form-data; send JSON or application/x-www-form-urlencoded"`,
		"/compat/modes/api/deployments":    `"message":"部署失敗: the body is multipart/form-data; send JSON"`,
		"/compat/sourcedeploy/project":     `"errorCode":"100"`,
	} {
		res := f.send(request{
			method: "POST", path: path + "?token=" + f.token, media: "multipart/form-data; boundary=x",
			body: []byte("--x\r\nContent-Disposition: form-data; name=\"action\"\r\n\r\nDeploy:Core:syncpro\r\n--x--\r\n"),
		}).is(415)
		require.Contains(t, string(res.raw), said)
	}
}
