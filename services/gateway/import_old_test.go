package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// rexRows is an inventory of rex as mysqldump writes it, of its columns those that count.
const rexRows = "DROP TABLE IF EXISTS `pre_server_detail`;\nCREATE TABLE `pre_server_detail` (\n  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT '序号',\n" +
	"  `server_name` varchar(128) DEFAULT NULL COMMENT '服务器名称',\n  `network_ip` varchar(15) NOT NULL COMMENT '内网IP',\n  `config_dir` varchar(255) DEFAULT '',\n" +
	"  `pro_dir` varchar(255) DEFAULT NULL,\n  `pro_init` varchar(164) DEFAULT NULL,\n  `local_name` varchar(200) DEFAULT NULL,\n  `app_key` varchar(200) DEFAULT NULL,\n" +
	"  `is_deloy_dir` varchar(64) DEFAULT NULL,\n  `env` varchar(255) CHARACTER SET utf8 COLLATE utf8_bin DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\nLOCK TABLES `pre_server_detail` WRITE;\n" +
	"INSERT INTO `pre_server_detail` VALUES (1,'后台服务集群1','10.0.0.1','/data/www/config1','/data/www/html1','/etc/init.d/tomcat-server1','server','server1','2','test'),\n" +
	"(2,'后台服务集群2','10.0.0.2','/data/www/config2','/data/www/html2','/usr/local/tomcat/bin/startup.sh','server','server2','2','test'),\n" +
	"(3,'调度服务集群1','10.0.0.1','/data/www/flow1/WEB-INF/classes/','/data/www/flow1','/etc/init.d/tomcat-flow1','flow','flow1','1','test');\nUNLOCK TABLES;\n"

func TestTheServersOfRexAreTakenOverAndDoingItAgainChangesNothing(t *testing.T) {
	f := start(t)
	there := f.post("/v1/servers", web("web-2").with(object{"address": "10.0.0.2", "labels": object{"group/old": "true", "mine": "x"}})).is(201)
	list := object{"format": "rex", "list": rexRows, "defaults": object{"user": "deploy", "first_contact": true}}
	want := []string{
		`16 后台服务集群1 created (on line 18 it is called "调度服务集群1")`,
		`17 后台服务集群2 changed labels.environment,labels.group/old,labels.group/server (it is the server "web-2", by its address)`,
	}
	for _, dry := range []bool{true, false} {
		counts, lines := f.takenOver(list.with(object{"dry_run": dry}))
		require.Equal(t, "created 1 changed 1 same 0 skipped 0 failed 0", counts)
		require.Equal(t, want, lines, "the dry run said so")
	}
	require.Equal(t, map[string]any{"group/server": "true", "group/flow": "true", "environment": "test"}, f.named("后台服务集群1")["labels"])
	require.Equal(t, map[string]any{"group/server": "true", "environment": "test", "mine": "x"}, f.named("web-2")["labels"])
	require.Len(t, f.pages("/v1/servers?limit=9", "name"), 2)
	etag := f.get("/v1/servers/" + there.id()).Header.Get("ETag")
	counts, _ := f.takenOver(list)
	require.Equal(t, "created 0 changed 0 same 2 skipped 0 failed 0", counts)
	require.Equal(t, etag, f.get("/v1/servers/"+there.id()).Header.Get("ETag"))
}

const platformRows = "id,name,host,port,username,password,private_key,status,environment,tags,deleted_at\n" +
	"12,web-1,192.0.2.1,2222,deploy,canary-list,,1,prod,\"web,eu\",\n13,web-2,192.0.2.2,,deploy,canary-list,,0,,,NULL\n14,web-2,192.0.2.2,22,deploy,,,1,,,2024-01-01 00:00:00\n"

func TestTheServersOfPlatformAreTakenOverWithTheirNumbersAndCredentials(t *testing.T) {
	f := start(t)
	of, err := numbers.Open(t.Context(), f.bus)
	require.NoError(t, err)
	there := f.post("/v1/servers", web("web-2").with(object{"address": "192.0.2.2", "user": "deploy"})).is(201)
	list := object{"format": "platform", "list": platformRows, "defaults": object{"first_contact": true}}

	res := f.post("/v1/servers/import", list.with(object{"dry_run": true})).is(200)
	require.Equal(t, []any{"not taken over: status"}, res.object()["notes"])
	_, err = of.ID(t.Context(), numbers.Server, 12)
	require.ErrorIs(t, err, numbers.ErrNone, "a dry run gives nothing")
	want := []string{"2 web-1 created", "3 web-2 changed number", "4 web-2 skipped (deleted_at says that it is gone)"}
	for _, dry := range []bool{true, false} {
		counts, lines := f.takenOver(list.with(object{"dry_run": dry}))
		require.Equal(t, "created 1 changed 1 same 0 skipped 1 failed 0", counts)
		require.Equal(t, want, lines, "the dry run said so")
	}
	one := f.named("web-1")
	require.Equal(t, map[string]any{"environment": "prod", "group/web": "true", "group/eu": "true"}, one["labels"])
	require.EqualValues(t, 2222, one["port"])
	clear, err := f.key.Open(contract.CredentialContext(one["id"].(string)), seal.Sealed(f.storedServer(one["id"].(string)).Credential))
	require.NoError(t, err)
	require.JSONEq(t, `{"password":"canary-list"}`, string(clear))
	require.NotEqual(t, "password", f.named("web-2")["credential_kind"], "a server that is there keeps its own")
	for number, id := range map[uint64]any{12: one["id"], 13: there.id()} {
		got, err := of.ID(t.Context(), numbers.Server, number)
		require.NoError(t, err)
		require.Equal(t, id, got)
	}
	counts, lines := f.takenOver(list)
	require.Equal(t, "created 0 changed 0 same 2 skipped 1 failed 0", counts)
	require.Equal(t, want[2:], lines)

	other := object{"format": "platform", "list": "id,name,host,port,username,password,private_key\n12,other,a,,x,y,\n99,web-1,192.0.2.1,,deploy,,\n", "defaults": object{"credential": object{"agent": true}}}
	wantOther := []string{"2 other created (it cannot be number 12: the number is that of another)", "3 web-1 same (it cannot be number 99: it has another number: 12)"}
	for _, dry := range []bool{true, false} {
		_, lines = f.takenOver(other.with(object{"dry_run": dry}))
		require.Equal(t, wantOther, lines)
	}
	require.NotContains(t, string(f.get("/v1/servers").raw)+string(f.get("/v1/audit").raw)+f.log.String(), "canary")
}

func TestWhatCannotBeTakenOfOldListsIsNamedByLineAndColumn(t *testing.T) {
	f := start(t)
	for _, wrong := range []struct{ format, list, want string }{
		{"rex", rexRows[:len(rexRows)-60], "line 18: the dump is cut off in this row"},
		{"rex", strings.Replace(rexRows, "'flow1','1','test')", "'flow1','1')", 1), "line 18: has 9 values for 10 columns"},
		{"rex", strings.ReplaceAll(rexRows, "pre_server_detail", "servers"), "line 1: the dump has no rows of pre_server_detail"},
		{"rex", strings.Replace(rexRows, "'10.0.0.2'", "'10.0.0.300'", 1), `line 17: address: of "后台服务集群2" must be a DNS name or an IP address, without a port or brackets`},
		{"rex", strings.Replace(rexRows, "'后台服务集群2'", "'后台服务集群1'", 1), `line 17: server_name: "后台服务集群1" has another network_ip on line 16`},
		{"rex", "server_name,local_name\na,b\n", "line 1: network_ip: is not among the columns"},
		{"rex", "local_name,network_ip\na\n", "line 2: wrong number of fields"},
		{"platform", "name,username\na,b\n", "line 1: host: is not among the columns"},
		{"platform", "id,name,host\n-1,a,b\n", "line 2: id: must be a whole number from 1 to 2147483647"},
		{"platform", "name,host,port\na,b,ssh\n", `line 2: port: of "a" must be a whole number`},
		{"platform", "name,host,private_key\na,b,canary-key\n", `line 2: credential.private_key: of "a" is no private key in PEM (OpenSSH, PKCS#1 or PKCS#8)`},
		{"platform", "name,host,password\na,b,\"canary-pw\x01\"\n", `line 2: credential.password: of "a" must hold printable characters alone: no line breaks, tabs or other control characters`},
		{"platform", "name,host,environment\na,b," + strings.Repeat("x", 200) + "\n", `line 2: labels.environment: of "a" must be 0 to 128 characters long`},
	} {
		res := f.post("/v1/servers/import", object{"format": wrong.format, "list": wrong.list, "defaults": object{"user": "deploy"}})
		require.Contains(t, res.refused(422, "invalid_request"), "list")
		require.Equal(t, wrong.want, res.object()["errors"].([]any)[0].(map[string]any)["message"])
		require.NotContains(t, string(res.raw), "canary")
	}
	require.Empty(t, f.pages("/v1/servers?limit=9", "name"))
	require.NotContains(t, f.log.String(), "canary")
}

// applicationsTaken sends a list of applications, and returns what it came to: the counts, and a line for each entry.
func (f *fixture) applicationsTaken(wanted object) (counts string, lines []string) {
	f.Helper()
	var came struct {
		Created, Changed, Same, Skipped, Failed int
		Applications                            []struct {
			Line                       int
			Name, Application, Outcome string
			Changes, Notes             []string
			Errors                     []struct{ Field, Message string }
		}
	}
	require.NoError(f, json.Unmarshal(f.post("/v1/projects/shop/applications/import", wanted).is(200).raw, &came))
	for _, a := range came.Applications {
		line := fmt.Sprint(a.Line, " ", a.Name, " ", a.Outcome)
		for _, e := range a.Errors {
			line += " " + e.Field + ": " + e.Message
		}
		lines = append(lines, strings.Join(append([]string{line}, append(a.Changes, a.Notes...)...), " | "))
	}
	return fmt.Sprintf("created %d changed %d same %d skipped %d failed %d", came.Created, came.Changed, came.Same, came.Skipped, came.Failed), lines
}

func TestTheProgramsOfRexAreTakenOverAsApplicationsAndDoingItAgainChangesNothing(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	f.post("/v1/projects/shop/applications", object{
		"name": "flow1", "description": "mine", "labels": object{"group/old": "true", "mine": "x"},
		"defaults": object{"keep": 3, "link": "/elsewhere", "restart": object{"supervisor": object{"program": "flow1"}}},
	}).is(201)
	list := object{"format": "rex", "list": rexRows}

	counts, lines := f.applicationsTaken(list.with(object{"dry_run": true}))
	require.Equal(t, "created 0 changed 0 same 0 skipped 0 failed 5", counts)
	require.Equal(t, "16 server1-conf failed network_ip: there is no server of this name or address: take the servers over first", lines[0])
	require.Contains(t, f.post("/v1/projects/shop/applications/import", list).refused(422, "invalid_request"), "list")

	f.takenOver(object{"format": "rex", "list": rexRows, "defaults": object{"user": "deploy", "first_contact": true}})
	want := []string{
		"16 server1-conf created", "16 server1 created", "17 server2-conf created",
		"17 server2 created | pro_init is not taken over: nobody knows how to end what it has started; say a restart",
		"18 flow1 changed | defaults.link | defaults.path | defaults.restart | defaults.servers | labels.environment | labels.group/flow | labels.group/old",
	}
	for _, dry := range []bool{true, false} {
		counts, lines = f.applicationsTaken(list.with(object{"dry_run": dry}))
		require.Equal(t, "created 4 changed 1 same 0 skipped 0 failed 0", counts)
		require.Equal(t, want, lines, "the dry run said so")
	}
	at := func(name string) map[string]any {
		return f.get("/v1/projects/shop/applications/" + name).is(200).object()
	}
	require.Equal(t, map[string]any{
		"path": "/data/www/.html1.slipway", "link": "/data/www/html1", "servers": []any{"后台服务集群1"}, "restart": map[string]any{"command": "/etc/init.d/tomcat-server1 restart"},
	}, at("server1")["defaults"])
	require.Equal(t, map[string]any{"group/server": "true", "environment": "test"}, at("server1")["labels"])
	require.Equal(t, map[string]any{"path": "/data/www/.config1.slipway", "link": "/data/www/config1", "servers": []any{"后台服务集群1"}}, at("server1-conf")["defaults"])
	flow := at("flow1")
	require.Equal(t, map[string]any{
		"path": "/data/www/.flow1.slipway", "link": "/data/www/flow1", "servers": []any{"后台服务集群1"}, "restart": map[string]any{"command": "/etc/init.d/tomcat-flow1 restart"}, "keep": float64(3),
	}, flow["defaults"], "what the list does not say stays")
	require.Equal(t, map[string]any{"group/flow": "true", "environment": "test", "mine": "x"}, flow["labels"])
	require.Equal(t, "mine", flow["description"])

	etag := f.get("/v1/projects/shop/applications/flow1").Header.Get("ETag")
	counts, lines = f.applicationsTaken(list)
	require.Equal(t, "created 0 changed 0 same 5 skipped 0 failed 0", counts)
	require.Equal(t, []string{"17 server2 same | pro_init is not taken over: nobody knows how to end what it has started; say a restart"}, lines)
	require.Equal(t, etag, f.get("/v1/projects/shop/applications/flow1").Header.Get("ETag"))

	nameless := strings.Replace(rexRows, "),\n(3,", "),\n(4,'后台服务集群2','10.0.0.2','','','','server',NULL,'1','test'),(5,'x','10.0.0.2','','',NULL,NULL,NULL,'1',NULL),\n(3,", 1)
	for _, dry := range []bool{true, false} {
		counts, lines = f.applicationsTaken(object{"format": "rex", "list": nameless, "dry_run": dry})
		require.Equal(t, "created 0 changed 0 same 5 skipped 1 failed 0", counts)
		require.Equal(t, "18 server skipped | app_key is empty: it is no program", lines[1], "and the others are taken")
	}

	f.post("/v1/projects/shop/applications", object{"name": "import"}).is(201)
	require.Equal(t, "import", at("import")["name"], "an application may be called so")
}

func TestWhatCannotBeTakenOfProgramsIsNamedByLineAndColumn(t *testing.T) {
	f := start(t)
	f.post("/v1/projects", object{"name": "shop"}).is(201)
	f.post("/v1/servers", web("web-1").with(object{"address": "10.0.0.1"})).is(201)
	rows := func(columns, row string) string {
		return "app_key,local_name,server_name,network_ip,pro_dir" + columns + "\nfine,x,web-1,10.0.0.1,/srv/fine" + strings.Repeat(",", strings.Count(columns, ",")) + "\n" + row + "\n"
	}
	for list, want := range map[string]string{
		rexRows[:len(rexRows)-40]:                                                              "line 18: the dump is cut off",
		strings.ReplaceAll(rexRows, "INSERT INTO", "INSERT  INTO x."):                          "line 1: the dump has no rows of pre_server_detail",
		"app_key,local_name,pro_dir\na,b,c\n":                                                  "line 1: network_ip: is not among the columns",
		rows("", "a,b,web-1,10.0.0.1"):                                                         "line 3: wrong number of fields",
		rows("", "a/b,b,web-1,10.0.0.1,/srv/a"):                                                `line 3: app_key: "a/b" is no name of a directory`,
		rows("", "FINE,b,web-1,10.0.0.1,/srv/a"):                                               `line 3: app_key: "FINE" releases the application fine, as line 2 does`,
		rows("", "流程,b,web-1,10.0.0.1,/srv/a"):                                                 `line 3: name: of "流程" must be 1 to 63 lower-case letters, digits, '.', '_' and '-', and begin with a letter or a digit`,
		rows("", "a,b,web-9,10.0.0.9,/srv/a"):                                                  `line 3: network_ip: of "a" there is no server of this name or address: take the servers over first`,
		rows("", "a,b,web-1,10.0.0.1,"):                                                        `line 3: pro_dir: of "a" must be an absolute path`,
		rows("", "a,b,web-1,10.0.0.1,srv/a"):                                                   `line 3: pro_dir: of "a" must be an absolute path`,
		rows(",is_deloy_dir,config_dir", "a,b,web-1,10.0.0.1,/srv/a,2,"):                       `line 3: config_dir: of "a-conf" must be an absolute path where is_deploy_dir is 2`,
		rows(",configure_file_status,configure_file_list", "a,b,web-1,10.0.0.1,/srv/a,1,../x"): `line 3: configure_file_list: "../x" is no path below a directory`,
		rows(",restart", "a,b,web-1,10.0.0.1,/srv/a,"+strings.Repeat("x", 70_000)):             `line 3: defaults.restart.command: of "a" `,
	} {
		res := f.post("/v1/projects/shop/applications/import", object{"format": "rex", "list": list})
		require.Contains(t, res.refused(422, "invalid_request"), "list")
		require.Contains(t, res.object()["errors"].([]any)[0].(map[string]any)["message"], want)
	}
	require.Empty(t, f.pages("/v1/projects/shop/applications?limit=9", "name"), "nothing of them was followed")
	for field, wanted := range map[string]object{"format": {"format": "csv"}, "list": {"list": ""}, "nonsense": {"nonsense": 1}} {
		require.Contains(t, f.post("/v1/projects/shop/applications/import", object{"format": "rex", "list": "x"}.with(wanted)).refused(422, "invalid_request"), field)
	}
	f.post("/v1/projects/nowhere/applications/import", object{"format": "rex", "list": "x"}).refused(404, "not_found")
}
