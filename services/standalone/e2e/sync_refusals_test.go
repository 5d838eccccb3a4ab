package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
		a := o.answered(t, request{method: method, path: "/compat/sync" + path, body: []byte(body), header: map[string]string{"Content-Type": "application/json"}})
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
