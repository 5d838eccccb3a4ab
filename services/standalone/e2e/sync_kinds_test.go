package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
