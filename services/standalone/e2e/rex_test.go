package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// rexEnvelope is what counts of an answer of the dialect rex.
type rexEnvelope struct {
	Code    string `json:"code"`
	Message string `json:"msg"`
	Data    struct {
		Data map[string]string `json:"data"`
		Msg  string            `json:"msg"`
	} `json:"data"`
}

// rex is a Slipway with an inventory of rex, and two hosts in it: of a group whose
// configuration is in the program, and of one that has it apart.
type rex struct {
	*standalone
	hosts []*hosttest.Host
	dir   string // with the directories of the original
}

func startRex(t *testing.T) *rex {
	t.Helper()
	r := &rex{hosts: hosttest.Start(t, 2, hosttest.WithRoot()), dir: t.TempDir()}
	rows := "app_key,local_name,is_deloy_dir,configure_file_status,configure_file_list,pro_dir,config_dir,restart,server_name,network_ip\n" +
		fmt.Sprintf("server1,server,1,0,,/data/www/server,/data/www/server/conf,\"echo restarted >>/root/runs\",%s,\n", r.hosts[0].Name) +
		fmt.Sprintf("server2,server,2,0,,/data/www/server,/data/conf/server,,nobody,%s\n", r.hosts[1].Addr) +
		"lost,lost,1,0,,/data/www/lost,/data/www/lost,,nobody,192.168.7.7\n"
	r.write(t, map[string]string{"inventory.csv": rows})
	r.standalone = startStandalone(t, lasting, "--gateway-rex-inventory", r.path("inventory.csv"), "--gateway-rex-softdir", r.path("softdir"),
		"--gateway-rex-configuredir", r.path("configuredir"), "--gateway-rex-remotecomdir", r.path("remotecomdir"), "--gateway-rex-updatedir", r.path("updatedir"))
	r.addAll(t, r.hosts)
	return r
}

func (r *rex) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rex) write(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
		require.NoError(t, os.WriteFile(r.path(name), []byte(text), 0o644))
	}
}

// download puts a version of the programs and their configurations where rex downloads them to.
func (r *rex) download(t *testing.T, version string) {
	t.Helper()
	r.write(t, map[string]string{
		"remotecomdir/softdir/server1/bin/run": version, "remotecomdir/softdir/server2/bin/run": version, "remotecomdir/softdir/lost/x": version,
		"remotecomdir/softdir/server1/conf/a.conf": "of the program", "remotecomdir/softdir/server2/conf/a.conf": "of the program",
		"remotecomdir/configuredir/server1/a.conf": "one " + version, "remotecomdir/configuredir/server2/a.conf": "two " + version,
		"remotecomdir/configuredir/lost/a.conf": "",
	})
}

// send sends a body with a token in the query, as clients of the original do, and returns
// the answer as it is, once every part of Slipway that it needs has had time for it.
func (r *rex) send(t *testing.T, path, token, media, body string) (status int, text []byte) {
	t.Helper()
	key := uniqueKey() // what is asked for again is done once
	poll(patience, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.url+path+"?token="+url.QueryEscape(token), strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", media)
		req.Header.Set("Idempotency-Key", key)
		resp, err := r.http.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		status = resp.StatusCode
		text, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		return status != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == ""
	})
	for _, part := range []string{"param", "parseparameters", "print_stdout", "respon", "take"} {
		require.Contains(t, string(text), `"`+part+`":`)
	}
	return status, text
}

// post sends a form.
func (r *rex) post(t *testing.T, token, form string) (int, rexEnvelope) {
	t.Helper()
	status, text := r.send(t, "/compat/rex", token, "application/x-www-form-urlencoded", form)
	var e rexEnvelope
	require.NoError(t, json.Unmarshal(text, &e), "%s", text)
	return status, e
}

// run has a module run that must answer with this.
func (r *rex) run(t *testing.T, form string, want map[string]string) {
	t.Helper()
	status, e := r.post(t, r.token, form)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "0", e.Code, e.Message)
	require.Equal(t, want, e.Data.Data, e.Data.Msg)
}

var allWell = map[string]string{"0": "1", "1": "", "2": ""}

func TestRexBringsReleasesAndTakesBackByName(t *testing.T) {
	t.Parallel()
	r := startRex(t)
	release := func() {
		r.run(t, "action=Deploy:Core:syncpro&k='server'", allWell)
		r.run(t, "action=Deploy:Core:deploy&k=server1,server2", allWell)
	}
	shown := func(version string) {
		for i, config := range []string{"/data/www/server/conf/a.conf", "/data/conf/server/a.conf"} {
			require.Equal(t, version, read(t, r.hosts[i], "/data/www/server/bin/run"))
			require.Equal(t, []string{"one ", "two "}[i]+version, read(t, r.hosts[i], config))
		}
	}
	restarts := func() int { return strings.Count(read(t, r.hosts[0], "/root/runs"), "restarted") }
	r.download(t, "v1")
	release()
	shown("v1")

	// What a release did not change stays as it is when the release is taken back: that of the configuration has no other before it.
	r.write(t, map[string]string{"remotecomdir/softdir/server1/bin/run": "bad", "remotecomdir/softdir/server2/bin/run": "bad"})
	release()
	require.Equal(t, "bad", read(t, r.hosts[1], "/data/www/server/bin/run"))
	r.run(t, "action=Deploy:Core:rollback&k=server", allWell)
	shown("v1")
	r.run(t, "action=Deploy:Core:rollback&k=server", allWell) // once more
	shown("v1")
	require.Equal(t, 3, restarts())

	r.download(t, "v2")
	release()
	shown("v2")
	require.Equal(t, 4, restarts())
	for _, version := range []string{"n1", "n2"} { // of somebody else, under the same name
		r.upload(t, "server1", version, "server1.tar.gz", contentOf(version, 0).tarGz(t))
		r.succeed(t, r.deploy(t, order{Application: "server1", Version: version, Servers: []string{r.hosts[0].Name}, Path: "/data/aside"}).ID)
	}
	r.run(t, "action=Deploy:Core:rollback&k=server", allWell)
	shown("v1")
	require.Equal(t, 5, restarts())
	require.Equal(t, "n2", read(t, r.hosts[0], "/data/aside/current/VERSION"))

	r.run(t, "action=Deploy:Core:syncpro&k=lost", allWell)
	r.run(t, "action=Deploy:Core:deploy&k=lost", map[string]string{"0": "0", "1": "lost", "2": "lost: 服务器未登记"})
	r.hosts[1].Stop()
	status, e := r.post(t, r.token, "action=Deploy:Core:deploy&k=server")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "server2", e.Data.Data["1"])
	require.Contains(t, e.Data.Data["2"], "server2: unreachable: ")
	require.Equal(t, "失败", e.Data.Msg)

	kinds := map[string]int{}
	for _, d := range all[deployment](t, r.client, "/v1/deployments", nil) {
		kinds[d.Kind+" "+d.State]++
	}
	require.Equal(t, 7, kinds["rollback succeeded"], "%v", kinds)
}

// rexShown is the answer of 003_ee29a37af8be28e1.txt but for its comments, quotes and time:
// NAMES and TOKEN are those of the request, PARAM and ARG what else it said.
const rexShown = `{
     "code" : "0",
     "data" : {"code" : "0", "data" : {"0" : "1", "1" : "", "2" : ""}, "msg" : "成功"},
     "param" : {"action" : "Deploy:Core:syncpro", "k" : "NAMES", PARAM "token" : "TOKEN"},
     "parseparameters" : {
          "code" : "0", "msg" : "校验和解析参数成功", "precmd" : "",
          "requestCmd" : "Deploy:Core:syncpro,--k=\"NAMES\",--token=\"TOKEN\",ARG,--w=\"1\""
     },
     "print_stdout" : "0",
     "respon" : {
          "chdir" : "/data/RexdeployV3",
          "cmd" : "/usr/bin/rex  -qF  Deploy:Core:syncpro --k=\"NAMES\" --token=\"TOKEN\" ARG --w=\"1\"",
          "code" : "1", "msg" : "执行完成", "ret" : "0", "stderr" : "", "stdout" : ""
     }}`

func TestRexAnswersWhatItsDocumentShows(t *testing.T) {
	t.Parallel()
	r := startRex(t) // with nothing said of respon.chdir
	r.download(t, "v1")
	r.write(t, map[string]string{
		"updatedir/softdir/server/bin/run": "update", "updatedir/configuredir/server/server1/a.conf": "u1", "updatedir/configuredir/server/server2/a.conf": "u2",
	})
	for _, one := range []struct{ form, names, param, arg, brought string }{
		{"action=Deploy:Core:syncpro&k='server'", "server", "", "", "v1"},
		{"action=Deploy:Core:syncpro&k='server'&update='1'", "server", `"update" : "1",`, ` --update=\"1\"`, "update"},
		{"action=Deploy:Core:syncpro&k=server1,server2", "server1 server2", "", "", "v1"},
	} {
		status, text := r.send(t, "/compat/rex", r.token, "application/x-www-form-urlencoded", one.form)
		require.Equal(t, http.StatusOK, status, one.form)
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got), "%s", text)
		require.Regexp(t, `^\d+$`, got["take"])
		delete(got, "take")
		left, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, strings.NewReplacer("NAMES", one.names, "TOKEN", r.token, "PARAM", one.param,
			",ARG", strings.Replace(one.arg, " ", ",", 1), " ARG", one.arg).Replace(rexShown), string(left), one.form)
		brought, err := os.ReadFile(r.path("softdir/server/bin/run"))
		require.NoError(t, err)
		require.Equal(t, one.brought, string(brought), one.form)
	}
}

func TestRexKnowsItsClientsByTheirTokens(t *testing.T) {
	t.Parallel()
	r := startRex(t)
	status, e := r.post(t, "1527669337mxchcptwhwevbwgyiahtilfadcycyfxm", "action=Deploy:Core:syncpro&k=server")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, "-1", e.Code)
	limited := must[struct{ Token string }](t, r.client, request{method: "POST", path: "/v1/tokens", body: map[string]any{
		"name": "ci", "grants": []map[string]string{{"role": "deployer", "project": "shop"}},
	}}, 201)
	status, e = r.post(t, limited.Token, "action=Deploy:Core:syncpro&k=server")
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "-1", e.Code)
	for form, why := range map[string]string{
		"":                               "post参数为空",
		"k=server":                       "action参数不能为空",
		"action=Deploy:Db:x&k=server":    "不支持的action参数: Deploy:Db:x",
		"action=Deploy:Core:syncpro":     "当执行 Deploy:Core:syncpro 模块时,post参数为空,必须传参: k",
		"action=Deploy:Core:deploy&k=''": "当执行 Deploy:Core:deploy 模块时,post参数为空,必须传参: k",
	} {
		status, e = r.post(t, r.token, form)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "-1", e.Code, form)
		require.Equal(t, "校验和解析参数失败: "+why, e.Message)
		require.Equal(t, map[string]string{"0": "0", "1": "", "2": ""}, e.Data.Data, form)
	}
	status, python := r.send(t, "/compat/rex/", r.token, "application/json", `{"action": "Deploy:Core:syncpro", "k": "server", "update": False}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.NoError(t, json.Unmarshal(python, &e))
	require.Equal(t, "-1", e.Code)
	require.Equal(t, "校验和解析参数失败: the body is no JSON: line 1, column 60: False is Python; JSON has true and false", e.Message)
	r.download(t, "v1")
	status, slash := r.send(t, "/compat/rex/", r.token, "application/json", `{"action": "Deploy:Core:syncpro", "k": "server"}`)
	require.Equal(t, http.StatusOK, status, "%s", slash)
	r.run(t, "action=Deploy:Core:deploy&k=server", allWell)

	type entry struct {
		Action  string `json:"action"`
		Outcome string `json:"outcome"`
	}
	told := map[string]int{}
	for _, one := range all[entry](t, r.client, "/v1/audit", nil) {
		told[one.Action+" "+one.Outcome]++
	}
	for _, one := range []string{"rex.run accepted", "rex.run refused", "packages.create accepted", "deployments.create accepted"} {
		require.NotZero(t, told[one], "%s: %v", one, told)
	}
	requireNoSecrets(t, r.standalone, r.hosts, secrets{"the token of a client": r.token})
}
