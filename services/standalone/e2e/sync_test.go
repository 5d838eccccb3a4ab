package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// These tests send what 002_f6a282560a63be03.txt shows to real hosts, with the names of their own servers in it.

// syncVerdict is the body of an answer.
type syncVerdict struct {
	StatusCode int             `json:"status_code"`
	Data       json.RawMessage `json:"data"`
}

// office is a Slipway that a client of the dialect sync talks to, and its hosts.
type office struct {
	*standalone
	depot *httptest.Server
	hosts []*hosttest.Host
	files map[string]string // what the depot serves, by path
	asked chan struct{}     // for what is below /slow
	gate  chan struct{}     // which waits for it
}

func openOffice(t *testing.T, hosts int) *office {
	t.Helper()
	o := &office{files: map[string]string{}, asked: make(chan struct{}, 1), gate: make(chan struct{})}
	o.depot = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/slow/") {
			o.asked <- struct{}{}
			<-o.gate
		}
		content, ok := o.files[strings.TrimPrefix(r.URL.Path, "/slow")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, content)
	}))
	t.Cleanup(o.depot.Close)
	o.standalone = startStandalone(t, "--gateway-fetch-allow", "127.0.0.0/8")
	o.hosts = hosttest.Start(t, hosts, hosttest.WithRoot(), hosttest.WithPassword())
	for _, h := range o.hosts {
		o.add(t, specOf(h))
	}
	return o
}

// names are the addresses of the hosts, as clients of the original name them.
func (o *office) names() []string {
	var all []string
	for _, h := range o.hosts {
		all = append(all, h.Addr)
	}
	return all
}

// ask sends a request of the dialect and returns the status of HTTP and the body. What is
// url.Values is sent as a form.
func (o *office) ask(t *testing.T, method, path string, body any) (int, syncVerdict) {
	t.Helper()
	r := request{method: method, path: "/compat/sync" + path, body: body}
	if form, is := body.(url.Values); is {
		r.body, r.header = []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	}
	a, err := o.do(r)
	require.NoError(t, err)
	var v syncVerdict
	require.NoError(t, json.Unmarshal(a.body, &v), "%s", a)
	return a.status, v
}

// says sends a request whose verdict must be this, field by field.
func (o *office) says(t *testing.T, method, path string, body any, code int, data any) {
	t.Helper()
	status, v := o.ask(t, method, path, body)
	require.Equal(t, http.StatusOK, status, "%s", v.Data)
	require.Equal(t, code, v.StatusCode, "%s", v.Data)
	want, err := json.Marshal(data)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(v.Data))
}

// request is the request of the document for a deployment, to these servers.
func (o *office) request(change map[string]any) map[string]any {
	body := map[string]any{
		"project_name": "mp-sre-platform", "link_name": "zeus", "server_list": o.names(),
		"file_url": o.depot.URL + "/mp-sre-devops/zeus-0.1.1.tar.gz", "filename": "zeus-0.1.1.tar.gz",
		"filename_delete": "zeus-0.1.0.tar.gz", "language": "php", "is_restart": false, "deploy_dir": "profile",
	}
	for name, value := range change {
		body[name] = value
	}
	return body
}

func TestSyncDeploysAndRollsBackAsItsDocumentShows(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 2)
	for _, version := range []string{"0.1.0", "0.1.1"} {
		o.files["/mp-sre-devops/zeus-"+version+".tar.gz"] = string(content{"index.php": version}.tarGz(t))
	}
	first := o.request(map[string]any{
		"file_url": o.depot.URL + "/mp-sre-devops/zeus-0.1.0.tar.gz", "filename": "zeus-0.1.0.tar.gz", "filename_delete": nil,
	})
	o.says(t, "POST", "/deploy", first, 200, "部署成功!")
	o.says(t, "POST", "/deploy/", url.Values{
		"project_name": {"mp-sre-platform"}, "link_name": {"zeus"}, "server_list": {strings.Join(o.names(), ",")}, "language": {"php"}, "is_restart": {"False"},
		"file_url": {o.depot.URL + "/mp-sre-devops/zeus-0.1.1.tar.gz"}, "filename": {"zeus-0.1.1.tar.gz"}, "deploy_dir": {"profile"},
	}, 200, "部署成功!")
	at := "/var/www/mp-sre-platform/zeus/index.php"
	for _, h := range o.hosts {
		require.Equal(t, "0.1.1", read(t, h, at))
	}
	version := "/get_current_version?project_name=mp-sre-platform&language=php&link_name=zeus&deploy_dir=profile&server_list="
	o.says(t, "GET", version+strings.Join(o.names(), ","), nil, 200, map[string]any{
		"succeed": map[string]string{o.hosts[0].Addr: "zeus-0.1.1.tar.gz", o.hosts[1].Addr: "zeus-0.1.1.tar.gz"}, "failed": map[string]string{},
	})

	back := map[string]any{
		"project_name": "mp-sre-platform", "link_name": "zeus", "server_list": o.names(), "filename": "zeus-0.1.0.tar.gz",
		"language": "php", "is_restart": false, "deploy_dir": "profile",
	}
	o.says(t, "POST", "/rollback", back, 200, "回滚成功!")
	for _, h := range o.hosts {
		require.Equal(t, "0.1.0", read(t, h, at))
	}
	back["filename"] = "zeus-9.tar.gz"
	o.says(t, "POST", "/rollback", back, 501, map[string]string{o.hosts[0].Addr: "版本不存在", o.hosts[1].Addr: "版本不存在"})

	// As the document has it: the release before goes.
	o.says(t, "POST", "/deploy", o.request(nil), 200, "部署成功!")
	back["filename"], back["server_list"] = "zeus-0.1.0.tar.gz", o.hosts[0].Addr
	o.says(t, "POST", "/rollback", back, 501, map[string]string{o.hosts[0].Addr: "版本不存在"})

	var kinds []string
	for _, d := range all[deployment](t, o.client, "/v1/deployments", nil) {
		kinds = append(kinds, d.Kind+" "+d.Version+" "+d.State)
	}
	require.Equal(t, []string{
		"deploy zeus-0.1.1.tar.gz succeeded", "deploy zeus-0.1.0.tar.gz succeeded", "deploy zeus-0.1.1.tar.gz succeeded", "deploy zeus-0.1.0.tar.gz succeeded",
	}, kinds, "they are deployments like any other")
}

func TestSyncGivesEachServerItsOwnReason(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 4)
	file := string(content{"index.php": "1"}.tarGz(t))
	o.files["/mp-sre-devops/zeus-0.1.1.tar.gz"] = file
	fine, down, barred := o.hosts[0].Addr, o.hosts[1].Addr, o.hosts[2].Addr
	o.hosts[1].Stop()
	servers := all[server](t, o.client, "/v1/servers", nil)
	for _, s := range servers {
		if s.Name == o.hosts[2].Name {
			o.change(t, s.ID, spec{"credential": map[string]any{"password": "not " + o.hosts[2].Password}})
		}
		if s.Name == o.hosts[3].Name {
			o.change(t, s.ID, spec{"credential": map[string]any{"password": o.hosts[3].Password}})
		}
	}
	ssh := map[string]string{down: "SSH连接失败", barred: "SSH认证失败", "192.168.1.9": "服务器未登记"}
	with := func(more map[string]string) map[string]string {
		for name, why := range ssh {
			more[name] = why
		}
		return more
	}
	servers4 := map[string]any{"server_list": append(o.names(), "192.168.1.9")}
	other := func(change map[string]any) map[string]any {
		body := o.request(servers4)
		for name, value := range change {
			body[name] = value
		}
		return body
	}
	missing := o.depot.URL + "/nothing.tar.gz"
	download := with(map[string]string{fine: "下载文件失败", o.hosts[3].Addr: "下载文件失败"})
	o.says(t, "POST", "/deploy", other(map[string]any{"file_url": missing}), 501, download)
	o.says(t, "POST", "/deploy", other(map[string]any{"file_url": "http://169.254.169.254/zeus-0.1.1.tar.gz"}), 501, download)
	sum := sha256.Sum256([]byte("something else"))
	checked := with(map[string]string{fine: "文件校验失败", o.hosts[3].Addr: "文件校验失败"})
	o.says(t, "POST", "/deploy", other(map[string]any{"sha256": hex.EncodeToString(sum[:])}), 501, checked)

	o.says(t, "POST", "/deploy", other(nil), 501, with(map[string]string{}))
	for _, h := range []*hosttest.Host{o.hosts[0], o.hosts[3]} {
		require.Equal(t, "1", read(t, h, "/var/www/mp-sre-platform/zeus/index.php"), "what can be reached has it")
	}
	o.files["/mp-sre-devops/zeus-0.1.1.tar.gz"] = string(content{"index.php": "2"}.tarGz(t))
	o.says(t, "POST", "/deploy", other(nil), 501, with(map[string]string{fine: "同名文件内容不同", o.hosts[3].Addr: "同名文件内容不同"}))

	query := "?project_name=mp-sre-platform&language=php&link_name=zeus&server_list=" + strings.Join(append(o.names(), "192.168.1.9"), ",")
	o.says(t, "GET", "/get_current_version"+query, nil, 200, map[string]any{
		"succeed": map[string]string{fine: "zeus-0.1.1.tar.gz", o.hosts[3].Addr: "zeus-0.1.1.tar.gz"}, "failed": ssh,
	})
	o.says(t, "POST", "/rollback", other(map[string]any{"filename": "zeus-0.1.1.tar.gz"}), 501, ssh)

	unreached := []string{down, barred, "192.168.1.9"}
	o.says(t, "POST", "/init_deploy", map[string]any{
		"project_name": "mp-sre-platform", "server_list": unreached, "language": "java", "superconf_content": "[program:mp-sre-platform]\ncommand=/bin/true\n",
	}, 501, ssh)
	o.says(t, "GET", "/get_latest_log", map[string]any{
		"project_name": "mp-sre-platform", "server_list": unreached, "language": "java", "logname": "info.log", "line": 12,
	}, 200, map[string]any{"succeed": map[string]string{}, "failed": ssh})
}

func TestSyncDeploysJavaAndGoWhereTheyBelong(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 1)
	h := o.hosts[0]
	startSupervisor(t, h)
	config := func(project, directory, command string) {
		o.says(t, "POST", "/init_deploy", map[string]any{
			"project_name": project, "server_list": o.names(), "language": map[bool]string{true: "java", false: "golang"}[directory == ""],
			"os_system": "centos", "deploy_dir": directory,
			"superconf_content": "[program:" + project + "]\ncommand=" + command + "\nstartsecs=0\nautorestart=true\n",
		}, 200, "初始化成功!")
	}
	java := "mp-sre-eureka-test"
	config(java, "", `/bin/sh -c "cat /opt/`+java+`/eureka.jar >>/root/runs; exec sleep 600"`)
	jar := func(n int, restart any) map[string]any {
		name := fmt.Sprintf("mp-media-wide-api-service-v20180630165728-%d.jar", n)
		o.files["/"+name] = fmt.Sprintf("jar %d\n", n)
		return map[string]any{
			"project_name": java, "link_name": "eureka", "server_list": h.Addr, "file_url": o.depot.URL + "/" + name, "filename": name,
			"language": "java", "is_restart": restart,
		}
	}
	runs := func() int { return strings.Count(read(t, h, "/root/runs"), "jar") }
	o.says(t, "POST", "/deploy", jar(104, true), 200, "部署成功!")
	require.Equal(t, "jar 104\n", read(t, h, "/opt/"+java+"/eureka.jar"))
	eventually(t, func() bool { return strings.Contains(read(t, h, "/root/runs"), "jar 104\n") }, "supervisor starts it")
	before := runs()
	o.says(t, "POST", "/deploy", jar(105, false), 200, "部署成功!")
	require.Equal(t, "jar 105\n", read(t, h, "/opt/"+java+"/eureka.jar"))
	unsaid := jar(106, nil)
	delete(unsaid, "is_restart")
	o.says(t, "POST", "/deploy", unsaid, 200, "部署成功!")
	require.Equal(t, "jar 106\n", read(t, h, "/opt/"+java+"/eureka.jar"))
	require.Equal(t, before, runs(), "it was not restarted")
	o.says(t, "GET", "/get_current_version?project_name="+java+"&language=java&link_name=eureka&server_list="+h.Addr+"&deploy_dir=profile", nil, 200,
		map[string]any{"succeed": map[string]string{h.Addr: "mp-media-wide-api-service-v20180630165728-106.jar"}, "failed": map[string]string{}})
	o.says(t, "POST", "/rollback", map[string]any{
		"project_name": java, "link_name": "eureka", "server_list": []string{h.Addr}, "filename": "mp-media-wide-api-service-v20180630165728-104.jar",
		"language": "java", "is_restart": "True",
	}, 200, "回滚成功!")
	eventually(t, func() bool { return runs() > before }, "the rollback restarts it")
	require.Equal(t, strings.Repeat("jar 104\n", runs()), read(t, h, "/root/runs"), "the two between it never ran")

	o.files["/zeus-2"] = "#!/bin/sh\necho zeus 2\n"
	binary := map[string]any{
		"project_name": "mp-sre-platform", "link_name": "zeus", "server_list": o.names(), "file_url": o.depot.URL + "/zeus-2", "filename": "zeus-2",
		"language": "golang", "deploy_dir": "profile", "is_restart": true,
	}
	o.says(t, "POST", "/deploy", binary, 200, "部署成功!")
	out, err := sshOutput(t, h, "/opt/profile/zeus")
	require.NoError(t, err, "%s", out)
	require.Equal(t, "zeus 2\n", out)

	// What supervisor does not take is its own reason, and what it had stays.
	status, v := o.ask(t, "POST", "/init_deploy", map[string]any{
		"project_name": java, "server_list": o.names(), "language": "java", "superconf_content": "[program:" + java + "]\n",
	})
	require.Equal(t, 200, status)
	require.Equal(t, 501, v.StatusCode)
	require.Contains(t, string(v.Data), `"`+h.Addr+`":"supervisor配置失败: `)

	o.logsAreShown(t, java)
}

// logsAreShown looks at what /get_latest_log shows of a project of Java.
func (o *office) logsAreShown(t *testing.T, project string) {
	t.Helper()
	h := o.hosts[0]
	dir := h.Outside("/opt/" + project + "/shared/logs")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "info.log"), []byte("before\nA\nb\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret.log"), []byte("x"), 0o600))
	asked := map[string]any{"project_name": project, "server_list": []string{h.Addr}, "logname": "info.log", "language": "java", "line": "2"}
	shown := map[string]any{"succeed": map[string]string{h.Addr: "A\nb\n"}, "failed": map[string]string{}}
	o.says(t, "GET", "/get_latest_log", asked, 200, shown)
	query := "?project_name=" + project + "&server_list=" + h.Addr + "&language=java&line=2&logname="
	o.says(t, "GET", "/get_latest_log"+query+"info.log", nil, 200, shown)
	status, v := o.ask(t, "GET", "/get_latest_log"+query+"error.log", nil)
	require.Equal(t, 200, status)
	require.Equal(t, 200, v.StatusCode)
	require.Contains(t, string(v.Data), `"`+h.Addr+`":"日志文件不存在`)
	for _, refused := range []string{query + "secret.log", query + "../info.log", strings.Replace(query, "line=2", "line=1000", 1) + "info.log", strings.Replace(query, "line=2", "line=0", 1) + "info.log"} {
		status, v := o.ask(t, "GET", "/get_latest_log"+refused, nil)
		require.Equal(t, 400, status, refused)
		require.Equal(t, 501, v.StatusCode)
		require.Contains(t, string(v.Data), "参数错误", refused)
	}
}

func TestAClientOfSyncThatHangsUpStopsNothing(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 1)
	o.files["/zeus-0.1.1.tar.gz"] = string(content{"index.php": "1"}.tarGz(t))
	body, err := json.Marshal(o.request(map[string]any{"file_url": o.depot.URL + "/slow/zeus-0.1.1.tar.gz", "filename_delete": ""}))
	require.NoError(t, err)
	ctx, hangUp := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", o.url+"/compat/sync/deploy", strings.NewReader(string(body)))
	require.NoError(t, err)
	req.SetBasicAuth("slipway", o.token)
	req.Header.Set("Idempotency-Key", "once")
	gone := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	<-o.asked
	hangUp()
	require.Error(t, <-gone)
	close(o.gate)
	eventually(t, func() bool {
		out, err := sshOutput(t, o.hosts[0], "cat /var/www/mp-sre-platform/zeus/index.php")
		return err == nil && out == "1"
	}, "it is deployed all the same")

	again := request{method: "POST", path: "/compat/sync/deploy", body: json.RawMessage(body), header: map[string]string{"Idempotency-Key": "once"}}
	require.Eventually(t, func() bool {
		got, err := o.do(again)
		return err == nil && got.status == http.StatusOK && strings.Contains(string(got.body), "部署成功!")
	}, time.Minute, 50*time.Millisecond, "the repeat is answered once the first attempt has ended")
	var page struct{ Items []json.RawMessage }
	got, err := o.do(request{method: "GET", path: "/v1/deployments"})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(got.body, &page))
	require.Len(t, page.Items, 1, "a repeat with the same key deploys nothing again")
}

// syncShown are the bodies of requests as the document has them, by path.
var syncShown = map[string]string{
	"POST /deploy": `{
        "project_name": "mp-sre-platform",
        "link_name": "zeus",
        "server_list": ["192.168.210.3"],
        "file_url": "http://mp-devops-oss.oss-cn-beijing-internal.aliyuncs.com/mp-sre-devops/zeus-0.1.1.tar.gz",
        "filename": "zeus-0.1.1.tar.gz",
        "filename_delete": "zeus-0.1.0.tar.gz", # 可选参数
        "language": "php",
        "is_restart": False, # 是否重启, 仅适用于Java项目, 默认不重启
        "deploy_dir": "profile" # 要部署的目录, 只用于golang项目, 比如, 部署目录为/opt/profile, 传profile即可
        }`,
	"POST /rollback": `{
        "project_name": "mp-sre-platform",
        "link_name": "zeus",
        "server_list": ["192.168.210.3"],
        "filename": "zeus-0.1.1.tar.gz",
        "language": "php",
        "is_restart": False, # 是否重启, 仅适用于Java项目, 默认不重启
        "deploy_dir": "profile"
        }`,
	"POST /init_deploy": `{
        "project_name": "mp-sre-platform",
        "server_list": ["192.168.210.3"],
        "language": "java",
        "os_system": "centos",  # 暂时不传, 后期备用(centos, ubuntu)
        "superconf_content": "supervisor的配置文件字符串"
        }`,
	"GET /get_latest_log": `{
        "project_name": "mp-sre-platform",
        "server_list": ["192.168.210.3"],
        "logname": "info.log", # 只能是info.log, warning.log, error.log
        "language": "java",
        "line": 12, # 要查看的行数(<1000)
        }`,
}

func TestSyncSaysThatTheBodiesOfItsDocumentAreNoJSON(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 0)
	comments := regexp.MustCompile(` *#.*`)
	const comment, python, comma = "# begins a comment, and JSON has none", "False is Python; JSON has true and false", "} after a comma: JSON has no comma behind the last one"
	for _, one := range []struct {
		to, why string
		mended  bool // of the first thing that is wrong with it: comments
	}{
		{"POST /deploy", "line 7, column 49: " + comment, false},
		{"POST /rollback", "line 7, column 23: " + python, false},
		{"POST /init_deploy", "line 5, column 33: " + comment, false},
		{"GET /get_latest_log", "line 4, column 32: " + comment, false},
		{"POST /deploy", "line 9, column 23: " + python, true},
		{"GET /get_latest_log", "line 7, column 9: " + comma, true},
	} {
		body := syncShown[one.to]
		if one.mended {
			body = comments.ReplaceAllString(body, "")
		}
		method, path, _ := strings.Cut(one.to, " ")
		a, err := o.do(request{method: method, path: "/compat/sync" + path, body: []byte(body), header: map[string]string{"Content-Type": "application/json"}})
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", one.to, a)
		require.JSONEq(t, `{"status_code":501,"data":{"malformed_request":"the body is no JSON: `+one.why+`"}}`, string(a.body), one.to)
	}
}

func TestSyncSaysWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	o := openOffice(t, 1)
	asShown := `{
        "project_name": "mp-sre-platform",
        "is_restart": False, # 是否重启
        "server_list": ["192.168.210.3"]
        }`
	send := func(body, token string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), "POST", o.url+"/compat/sync/deploy", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := o.http.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	for body, why := range map[string]string{
		asShown: "line 3, column 23: False is Python; JSON has true and false",
		strings.Replace(asShown, "False", "false", 1): "line 3, column 30: # begins a comment, and JSON has none",
		`{'project_name': 1}`:                         "line 1, column 2: ' begins a string in Python; JSON has double quotes",
		`{"a": None}`:                                 "line 1, column 7: None is Python; JSON has null",
		`{"a": 1,}`:                                   "line 1, column 9: } after a comma",
		`[1]`:                                         "the body is no JSON object",
		`{"a":1} x`:                                   "something follows the document",
	} {
		status, text := send(body, o.token)
		require.Equal(t, 400, status, text)
		require.Contains(t, text, `"status_code":501`)
		require.Contains(t, text, why)
	}
	status, text := send(`{"project_name": 7, "language": ["php"]}`, o.token)
	require.Equal(t, 400, status)
	require.JSONEq(t, `{"status_code":501,"data":{"link_name":"参数错误: 不能为空","language":"参数错误: 必须是字符串","filename":"参数错误: 不能为空",
		"server_list":"参数错误: 不能为空","file_url":"参数错误: 不能为空"}}`, text)
	status, text = send(`{"project_name": "Zeus", "link_name": "current", "language": "cobol", "filename": "a", "server_list": "`+o.hosts[0].Addr+`", "file_url": "ftp://x"}`, o.token)
	require.Equal(t, 400, status)
	require.Contains(t, text, `"project_name":"参数错误: must be 1 to 63`)
	require.Contains(t, text, `"file_url":"参数错误: must be`)
	status, text = send(`{}`, "slw_nobody")
	require.Equal(t, 401, status)
	require.Contains(t, text, `{"status_code":501,"data":{"unauthorized":`) //nolint:misspell // as HTTP spells it

	viewer := must[struct{ Token string }](t, o.client, request{method: "POST", path: "/v1/tokens", body: map[string]any{
		"name": "onlooker", "grants": []map[string]string{{"role": "viewer"}},
	}}, 201)
	status, text = send(`{}`, viewer.Token)
	require.Equal(t, 403, status)
	require.Contains(t, text, "deployments.create")
}
