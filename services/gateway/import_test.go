package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// takenOver sends a list, and returns what it came to: the counts, and a line for each entry.
func (f *fixture) takenOver(wanted object) (counts string, lines []string) {
	f.Helper()
	var came struct {
		Created, Changed, Same, Skipped, Failed int
		Servers                                 []struct {
			Line                  int
			Name, Server, Outcome string
			Changes, Notes        []string
			Errors                []struct{ Field, Message string }
		}
	}
	require.NoError(f, json.Unmarshal(f.post("/v1/servers/import", wanted).is(200).raw, &came))
	for _, s := range came.Servers {
		line := fmt.Sprint(s.Line, " ", s.Name, " ", s.Outcome)
		if len(s.Changes) > 0 {
			line += " " + strings.Join(s.Changes, ",")
		}
		for _, e := range s.Errors {
			line += " " + e.Field + ": " + e.Message
		}
		for _, note := range s.Notes {
			line += " (" + note + ")"
		}
		lines = append(lines, line)
	}
	return fmt.Sprintf("created %d changed %d same %d skipped %d failed %d", came.Created, came.Changed, came.Same, came.Skipped, came.Failed), lines
}

func (f *fixture) named(name string) map[string]any {
	f.Helper()
	return f.get("/v1/servers?name=" + name).is(200).object()["items"].([]any)[0].(map[string]any)
}

const table = "name,address,port,user,jump_host,label.role\ninner,10.0.0.7,,,bastion,db\nbastion,192.0.2.1,2222,jump,,\nweb-1,192.0.2.7,,,,web\n"

func TestAListOfServersIsTakenOverAndDoingItAgainChangesNothing(t *testing.T) {
	f := start(t)
	existing := f.post("/v1/servers", web("web-1").with(object{"labels": object{"env": "prod"}, "credential": object{"password": "canary-1"}})).is(201)
	list := object{"format": "csv", "list": table, "defaults": object{"user": "deploy", "first_contact": true, "labels": object{"from": "list"}, "credential": object{"password": "canary-2"}}}

	counts, lines := f.takenOver(list.with(object{"dry_run": true}))
	require.Equal(t, "created 2 changed 1 same 0 skipped 0 failed 0", counts)
	require.Equal(t, []string{"2 inner created", "3 bastion created", "4 web-1 changed address,labels.role"}, lines)
	require.Equal(t, []string{"web-1"}, f.pages("/v1/servers?limit=9", "name"), "a dry run changes nothing")

	counts, again := f.takenOver(list)
	require.Equal(t, "created 2 changed 1 same 0 skipped 0 failed 0", counts)
	require.Equal(t, lines, again, "the dry run said so")
	inner, bastion, changed := f.named("inner"), f.named("bastion"), f.named("web-1")
	require.Equal(t, bastion["id"], inner["jump_host"], "it was added after the one that it is reached through")
	require.Equal(t, "deploy", inner["user"])
	require.Equal(t, "password", inner["credential_kind"])
	require.Equal(t, map[string]any{"from": "list", "role": "db"}, inner["labels"])
	require.EqualValues(t, 2222, bastion["port"])
	require.Equal(t, "jump", bastion["user"])
	require.Equal(t, existing.id(), changed["id"])
	require.Equal(t, map[string]any{"env": "prod", "role": "web"}, changed["labels"], "what the list does not say stays")
	require.Equal(t, "192.0.2.7", changed["address"])

	etag := f.get("/v1/servers/" + existing.id()).Header.Get("ETag")
	counts, lines = f.takenOver(list)
	require.Equal(t, "created 0 changed 0 same 3 skipped 0 failed 0", counts)
	require.Empty(t, lines)
	require.Equal(t, etag, f.get("/v1/servers/"+existing.id()).Header.Get("ETag"))
	require.NotContains(t, string(f.get("/v1/servers").raw)+f.log.String(), "canary")
}

func TestAnInventoryOfAnsibleIsTakenOver(t *testing.T) {
	f := start(t)
	ini := "[web]\nweb[1:2] ansible_host=192.0.2.9\n[eu:children]\nweb\n[eu:vars]\nansible_user=deploy\nansible_ssh_common_args='-J bastion.example.com'\n[jump]\nbastion ansible_host=bastion.example.com ansible_user=x\nlocalhost ansible_connection=local\n"
	counts, _ := f.takenOver(object{"format": "ansible_ini", "list": ini})
	require.Equal(t, "created 3 changed 0 same 0 skipped 1 failed 0", counts)
	require.Equal(t, f.named("bastion")["id"], f.named("web1")["jump_host"], "the ProxyJump names its address")
	require.Equal(t, map[string]any{"group/eu": "true", "group/web": "true"}, f.named("web2")["labels"])
	f.patch("/v1/servers/"+f.named("web2")["id"].(string), object{"labels": object{"mine": "x"}}).is(200)
	counts, lines := f.takenOver(object{"format": "ansible_ini", "list": strings.Replace(ini, "web[1:2]", "web2", 1) + "[old]\nweb2\n[eu:vars]\nansible_port=2200\n"})
	require.Equal(t, "created 0 changed 1 same 1 skipped 1 failed 0", counts)
	require.Equal(t, []string{"2 web2 changed port,labels.group/old", "10 localhost skipped (ansible_connection is local, not ssh)"}, lines)
	f.takenOver(object{"format": "ansible_ini", "list": "[web]\nweb2 ansible_host=192.0.2.9\n"})
	require.Equal(t, map[string]any{"group/web": "true", "mine": "x"}, f.named("web2")["labels"], "groups are those of the list alone")
	f.post("/v1/groups", object{"name": "web", "selector": object{"group/web": "true"}}).is(201)

	yaml := "all:\n  hosts:\n    web1: {ansible_user: other}\n"
	_, lines = f.takenOver(object{"format": "ansible_yaml", "list": yaml, "dry_run": true})
	require.Equal(t, []string{"3 web1 changed address,user,labels.group/eu,labels.group/web"}, lines)
	_, lines = f.takenOver(object{"format": "ssh_config", "list": "Host web1\n Hostname 192.0.2.9\n Port 22\n"})
	require.Empty(t, lines)
}

func TestWhatIsWrongWithAListIsNamedByLineAndField(t *testing.T) {
	f := start(t)
	f.fleet("there")
	list := object{"format": "csv", "list": "name,address,port,user,jump_host\ngood,a,22,x,\nno-user,a,,,\nport,a,99999,x,\nport2,a,ssh,x,\nthere,a b,,,\njump,a,,x,nowhere\nloop-a,a,,x,loop-b\nloop-b,a,,x,loop-a\nself,a,,x,self\nd3v5k1jq0s9c73a1b2c0,a,,x,\n"}
	counts, lines := f.takenOver(list.with(object{"dry_run": true}))
	require.Equal(t, "created 1 changed 0 same 0 skipped 0 failed 9", counts)
	require.Equal(t, []string{
		"2 good created", "3 no-user failed user: is required", "4 port failed port: must be between 1 and 65535", "5 port2 failed port: must be a whole number",
		"6 there failed address: must be a DNS name or an IP address, without a port or brackets", "7 jump failed jump_host: no server has this id or name, and none of the list",
		"8 loop-a failed jump_host: is reached through itself, or through more than 8 jump hosts", "9 loop-b failed jump_host: is reached through itself, or through more than 8 jump hosts",
		"10 self failed jump_host: is reached through itself, or through more than 8 jump hosts", "11 d3v5k1jq0s9c73a1b2c0 failed name: must not have the form of an id",
	}, lines)
	res := f.post("/v1/servers/import", list)
	require.Equal(t, `line 3: user: of "no-user" is required`, res.object()["errors"].([]any)[0].(map[string]any)["message"])
	require.Len(t, res.object()["errors"], 9)
	res.refused(422, "invalid_request")
	require.Equal(t, []string{"there"}, f.pages("/v1/servers?limit=9", "name"), "nothing of it was followed")

	for field, wanted := range map[string]object{
		"format":              {"format": "toml"},
		"list":                {"list": "name,nonsense\n"},
		"defaults.name":       {"defaults": object{"name": "x"}},
		"defaults.user":       {"defaults": object{"user": "-x"}},
		"defaults.credential": {"defaults": object{"credential": object{}}},
		"defaults.labels.a b": {"defaults": object{"labels": object{"a b": "c"}}},
		"defaults.host_ca":    {"defaults": object{"host_ca": "x"}},
		"nonsense":            {"nonsense": 1},
	} {
		require.Contains(t, f.post("/v1/servers/import", list.with(wanted)).refused(422, "invalid_request"), field)
	}
	unknown := f.post("/v1/servers/import", object{"format": "yaml", "list": "- {name: a, address: b, user: c, nonsense: 1}\n- {name: [x], address: b}\n"}).refused(422, "invalid_request")
	require.Contains(t, unknown, "list")
}

func TestManyServersAreTakenOverAtOnce(t *testing.T) {
	f := start(t)
	counts, _ := f.takenOver(object{"format": "ansible_ini", "list": "web[0001:1200] ansible_user=x\n"})
	require.Equal(t, "created 1200 changed 0 same 0 skipped 0 failed 0", counts)
	require.Len(t, f.pages("/v1/servers?limit=500", "name"), 1200)
}
