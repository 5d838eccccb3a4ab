package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	a := o.answered(t, r)
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
	got := o.answered(t, request{method: "GET", path: "/v1/deployments"})
	require.NoError(t, json.Unmarshal(got.body, &page))
	require.Len(t, page.Items, 1, "a repeat with the same key deploys nothing again")
}
