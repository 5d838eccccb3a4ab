package serverlist_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/serverlist"
)

// said is what a list says, a line for each server: name, fields, labels, notes.
func said(t *testing.T, format, text string) []string {
	t.Helper()
	list, bad := serverlist.Parse(format, text, 10)
	require.Empty(t, bad)
	lines := list.Notes
	for _, e := range list.Entries {
		line := fmt.Sprintf("%d %s %v", e.Line, e.Name, e.Fields)
		if e.Number > 0 {
			line += fmt.Sprintf(" number %d", e.Number)
		}
		if e.Labels != nil {
			line += fmt.Sprintf(" labels %v", e.Labels)
		}
		if e.Skip != "" {
			line += " skip: " + e.Skip
		}
		if len(e.Notes) > 0 {
			line += " notes: " + strings.Join(e.Notes, "; ")
		}
		lines = append(lines, line)
	}
	return lines
}

func wrong(format, text string) []string {
	_, bad := serverlist.Parse(format, text, 10)
	var lines []string
	for _, b := range bad {
		lines = append(lines, b.Error())
	}
	return lines
}

func TestATableIsRead(t *testing.T) {
	require.Equal(t, []string{
		"2 web-1 map[address:192.0.2.1 first_contact:true port:2222 user:deploy] labels map[env:prod role:web]",
		"3 büro map[address:2001:db8::1]",
		"4 quoted,name map[address:a] labels map[env:x]",
	}, said(t, serverlist.CSV, "\ufeffName,address,port,user,first_contact,labels,label.env\r\nweb-1,192.0.2.1,2222,deploy,yes,role=web;env=prod,\r\nbüro, 2001:db8::1,,,,,\n\"quoted,name\",a,,,,,x\n"))
	require.Equal(t, []string{"2 a map[address:b]"}, said(t, serverlist.CSV, "name;address\na;b\n"))
	require.Equal(t, []string{"2 a map[address:b]"}, said(t, serverlist.CSV, "name\taddress\na\tb\n"))
	for text, want := range map[string][]string{
		"":                           {"line 1: there is no line that names the columns"},
		"host,address\na,b\n":        {"line 1: host: is no column of a server; there are name, address, port, user, jump_host, first_contact, host_key, host_ca, revoked_keys, labels and label.KEY", "line 1: name: is not among the columns, which the first line names"},
		"name,address\na\nb,c\n,d\n": {"line 2: wrong number of fields", "line 4: name: is required"},
		"name,labels\na,x\n":         {"line 2: labels: must be key=value, with ';' between them"},
		"name,first_contact\na,si\n": {"line 2: first_contact: must be true or false"},
		"name\na\nb\na\n":            {`line 4: name: "a" is named on line 2, too`},
		"name,address\na,\"b\nc,d\n": {"line 2: extraneous or missing \" in quoted-field"},
	} {
		require.Equal(t, want, wrong(serverlist.CSV, text), text)
	}
}

func TestAListInYAMLIsRead(t *testing.T) {
	want := []string{"2 web-1 map[address:192.0.2.1 legacy_algorithms:[ssh-rsa] port:2222] labels map[env:prod tier:1]", "7 b map[]"}
	list := "\n- name: web-1\n  address: 192.0.2.1\n  port: 2222\n  legacy_algorithms: [ssh-rsa]\n  labels: {env: prod, tier: 1}\n- {name: b}\n"
	require.Equal(t, want, said(t, serverlist.YAML, list))
	require.Equal(t, want, said(t, serverlist.YAML, "servers:"+list))
	for text, message := range map[string]string{
		"":                                "line 1: there is nothing",
		"a: [":                            "line 1: is not YAML: did not find expected node content",
		"- address: x":                    "line 1: name: is required",
		"- just a text":                   "line 1: must be a mapping, without anchors",
		"hosts: []":                       "line 1: hosts: is not known; a list has servers",
		"- name: a\n  credential: {a: b}": "line 2: credential: stands in no list: it is given with the list, for all new servers",
		strings.Repeat("[", 100_000):      "line 1: is not YAML: exceeded max depth of 10000",
		strings.Repeat("- ", 100_000):     "line 1: is not YAML: exceeded max depth of 10000",
	} {
		require.Contains(t, wrong(serverlist.YAML, text), message, text[:min(len(text), 30)])
	}
}

// The examples of Ansible's own documentation are among these.
const ini = `# hosts of all kinds
mail.example.com
jumper ansible_host=192.0.2.50 ansible_port=5555

[webservers]
www[01:03].example.com ansible_user=web
foo.example.com:2222 note='a # b' # a comment

[databases]
db-[a:c:2].example.com

[east:children]
webservers
databases

[east:vars]
ansible_user = east
ntp_server=ntp.east.example.com # near

[databases:vars]
ansible_user="dba"

[all:vars]
ansible_user=everybody
ansible_ssh_common_args='-o ProxyJump="deploy@jumper:22"'

[local]
localhost ansible_connection=local
`

var ansibleHosts = []string{
	"mail.example.com map[address:mail.example.com jump_host:jumper user:everybody] labels map[] notes: of ProxyJump, the name of the host is taken alone",
	"jumper map[address:192.0.2.50 port:5555 user:everybody] labels map[] notes: of ProxyJump, the name of the host is taken alone",
	"www01.example.com map[address:www01.example.com jump_host:jumper user:web] labels map[group/east:true group/webservers:true] notes: of ProxyJump, the name of the host is taken alone",
	"www02.example.com map[address:www02.example.com jump_host:jumper user:web] labels map[group/east:true group/webservers:true] notes: of ProxyJump, the name of the host is taken alone",
	"www03.example.com map[address:www03.example.com jump_host:jumper user:web] labels map[group/east:true group/webservers:true] notes: of ProxyJump, the name of the host is taken alone",
	"foo.example.com map[address:foo.example.com jump_host:jumper port:2222 user:east] labels map[group/east:true group/webservers:true] notes: of ProxyJump, the name of the host is taken alone",
	"db-a.example.com map[address:db-a.example.com jump_host:jumper user:dba] labels map[group/databases:true group/east:true] notes: of ProxyJump, the name of the host is taken alone",
	"db-c.example.com map[address:db-c.example.com jump_host:jumper user:dba] labels map[group/databases:true group/east:true] notes: of ProxyJump, the name of the host is taken alone",
	"localhost map[] labels map[group/local:true] skip: ansible_connection is local, not ssh",
}

// unnumbered is without the lines.
func unnumbered(lines []string) []string {
	var all []string
	for _, l := range lines {
		_, l, _ = strings.Cut(l, " ")
		all = append(all, l)
	}
	return all
}

func TestAnInventoryOfAnsibleIsRead(t *testing.T) {
	require.Equal(t, ansibleHosts, unnumbered(said(t, serverlist.AnsibleINI, ini)))
	require.Equal(t, ansibleHosts, unnumbered(said(t, serverlist.AnsibleYAML, `
ungrouped:
  hosts:
    mail.example.com:
    jumper: {ansible_host: 192.0.2.50, ansible_port: 5555}
all:
  vars:
    ansible_user: everybody
    ansible_ssh_common_args: '-o ProxyJump="deploy@jumper:22"'
  children:
    east:
      vars: {ansible_user: east, ntp_server: ntp.east.example.com}
      children:
        webservers:
          hosts:
            www[01:03].example.com: {ansible_user: web}
            foo.example.com: {ansible_port: 2222}
        databases:
          vars: {ansible_user: dba, a_list: [1, 2]}
          hosts:
            db-[a:c:2].example.com:
    local:
      hosts: {localhost: {ansible_connection: local}}
`)))
	require.Equal(t, []string{"1 a map[address:a] labels map[] notes: ansible_password is not taken over: a credential is given with the list, or to the server"},
		said(t, serverlist.AnsibleINI, "a ansible_password=canary"))
	require.Len(t, said(t, serverlist.AnsibleINI, "r[1:3]n[01:10]"), 30)
	for text, want := range map[string]string{
		"web[01-10]":                       `line 1: "web[01-10]" is no name of a host, and no range such as web[01:10]`,
		"web[5:1]":                         `line 1: "web[5:1]" is a range of nothing`,
		"web[1:1000000]":                   `line 1: "web[1:1000000]" is a range of more than 10000 hosts`,
		"web[1:9999]x[1:9999]":             `line 1: "web[1:9999]x[1:9999]" is a range of more than 10000 hosts`,
		"web[a:9]":                         `line 1: "web[a:9]" is a range of which one end is no number and one is`,
		"web other":                        "line 1: after the host there are variables alone, as name=value",
		"web x='":                          "line 1: has a quotation mark that nothing closes",
		"[a:children]\nb\n[b:children]\na": `line 1: children: the group "a" is below itself, or below one that is`,
		"[a:hosts]\nb":                     "line 1: there are sections of hosts, of vars and of children alone",
		"[a:vars]\nb":                      "line 2: must be name=value",
		"x\ny ansible_host='{{ secret_address }}'":         `line 2: ansible_host: of "y" is a template, which Ansible alone fills in`,
		strings.Repeat("[g]\na[1:9999]\nb[1:9999]\n", 100): "line 3: a list may name 10000 servers",
	} {
		require.Contains(t, wrong(serverlist.AnsibleINI, text), want, text[:min(len(text), 40)])
	}
	require.Equal(t, []string{"line 2: host: is not known of a group; there are hosts, vars and children"}, wrong(serverlist.AnsibleYAML, "web:\n  host: {}\n"))
}

func TestTheConfigurationOfOpenSSHIsRead(t *testing.T) {
	require.Equal(t, []string{
		"5 bastion map[address:192.0.2.9 port:2200 user:jump]",
		`10 web-1 map[address:web-1.internal jump_host:bastion user:deploy] notes: IdentityFile is not taken over: a credential is given with the list, or to the server`,
		`10 web-2 map[address:web-2.internal jump_host:bastion user:deploy] notes: IdentityFile is not taken over: a credential is given with the list, or to the server`,
		"20 alone map[address:alone user:fallback]",
	}, said(t, serverlist.SSHConfig, `# mine
ServerAliveInterval 30


Host bastion
  HostName 192.0.2.9
  Port=2200
  User "jump"

Host web-1 web-2 !web-3
  HostName %h.internal
  ProxyJump bastion
  User deploy

Host web-*
  User somebody
  IdentityFile ~/.ssh/web
Match host web-1
  Port 1
Host alone
  ProxyJump none
Host * !bastion
  User fallback
`))
	require.Equal(t, []string{"line 1: Include: /etc/shadow is not opened: send what it holds"}, wrong(serverlist.SSHConfig, "Include /etc/shadow\nHost a\n"))
	require.Equal(t, []string{"1 a map[address:a] notes: a ProxyJump of several hosts is not taken over: give each of them its own"}, said(t, serverlist.SSHConfig, "Host a\nProxyJump b,c"))
}

const rexDump = "CREATE TABLE `pre_server_detail` (\n  `id` int,\n  `server_name` text,\n  `network_ip` text,\n  `local_name` text,\n  `app_key` text,\n  `env` text,\n  PRIMARY KEY (`id`)\n);\n" +
	"INSERT INTO `pre_server_detail` VALUES (1,'web-1','10.0.0.1','server','server1','test'),\n(2,'web-2','10.0.0.2','server','server2','test'),\n" +
	"(3,'后台','10.0.0.1','flow','flow1','prod'),\n(4,'','10.0.0.4','流程',NULL,NULL),\n(5,'web-2','','flow','flow2','test');\n"

func TestTheServersOfRexAreRead(t *testing.T) {
	require.Equal(t, []string{
		`10 web-1 map[address:10.0.0.1] labels map[environment:test group/flow:true group/server:true] notes: on line 12 it is called "后台"; its environment is test here, and prod on line 12`,
		"11 web-2 map[address:10.0.0.2] labels map[environment:test group/flow:true group/server:true]",
		`13 10.0.0.4 map[address:10.0.0.4] labels map[] notes: the group "流程" is not taken over: no label can be called so`,
	}, said(t, serverlist.Rex, rexDump))
	require.Equal(t, []string{"3 a map[address:10.0.0.1] labels map[]"}, said(t, serverlist.Rex, "network_ip,server_name,local_name\n\n10.0.0.1,a,\n"))
	for text, want := range map[string]string{
		"":                              "line 1: there is no line that names the columns",
		"server_name,local_name\na,b\n": "line 1: network_ip: is not among the columns",
		"network_ip,local_name\n,b\n":   "line 2: network_ip: is empty, and so is server_name",
		rexDump[:len(rexDump)-5]:        "line 14: the dump is cut off in this row",
		"DROP TABLE x;\nINSERT INTO x VALUES (1);":                                   "line 1: the dump has no rows of pre_server_detail",
		"server_name,network_ip,local_name\na,10.0.0.1,\nb,10.0.0.2,\na,10.0.0.3,\n": `line 4: server_name: "a" has another network_ip on line 2`,
	} {
		require.Contains(t, wrong(serverlist.Rex, text), want, text)
	}
}

const platformTable = "id,name,ip,port,username,auth_type,password,private_key,passphrase,status,tags,environment,deleted_at,created_at\n" +
	"12,web-1,192.0.2.1,2222,deploy,password, secret ,-----KEY,,1,\"web,流程\",prod,NULL,2024-01-01\n" +
	"13,web-2,192.0.2.2,,deploy,key,secret,\"-----BEGIN\nKEY\n-----END\",phrase,0,\"[\"\"a\"\", \"\"b\"\"]\",,,\n" +
	"14,gone,192.0.2.3,22,deploy,,,,,1,,,2024-02-02,\n15,web-1b,192.0.2.1,22,root,,secret,~/.ssh/id,,,,,,\n"

func TestTheServersOfPlatformAreRead(t *testing.T) {
	require.Equal(t, []string{
		"not taken over: status, created_at",
		"2 web-1 map[address:192.0.2.1 credential:map[password:secret ] port:2222 user:deploy] number 12 labels map[environment:prod group/web:true] notes: the group \"流程\" is not taken over: no label can be called so",
		"3 web-2 map[address:192.0.2.2 credential:map[passphrase:phrase private_key:-----BEGIN\nKEY\n-----END] user:deploy] number 13 labels map[group/a:true group/b:true]",
		"6 gone map[] labels map[] skip: deleted_at says that it is gone",
		"7 web-1b map[address:192.0.2.1 credential:map[password:secret] port:22 user:root] number 15 labels map[] notes: private_key is the path of a file, which is not opened: give it to the server",
	}, said(t, serverlist.Platform, platformTable))
	require.Equal(t, []string{"there is no column id, port, username, password, private_key", "2 a map[address:b] labels map[]"}, said(t, serverlist.Platform, "name,host\na,b\n"))
	require.Equal(t, []string{"there is no column port, username, private_key", "2 a map[address:b credential:map[password:it's]] number 7 labels map[]"},
		said(t, serverlist.Platform, "CREATE TABLE servers (id bigint, name text, host text, password text);\nINSERT INTO `servers` VALUES (7,'a','b','it''s');\n"))
	for text, want := range map[string]string{
		"":                                   "line 1: there is no line that names the columns",
		"host,port\nb,22\n":                  "line 1: name: is not among the columns",
		"name,port\na,22\n":                  "line 1: host: is not among the columns",
		"id,name,host\nx,a,b\n":              "line 2: id: must be a whole number from 1 to 2147483647",
		"id,name,host\n0,a,b\n":              "line 2: id: must be a whole number from 1 to 2147483647",
		"id,name,host\n9999999999,a,b\n":     "line 2: id: must be a whole number from 1 to 2147483647",
		"id,name,host\n1,a,b\n1,b,b\n":       "line 3: id: 1 is that of line 2, too",
		"name,host\na,b\na,c\n":              `line 3: name: "a" is named on line 2, too`,
		"name,host\n,b\n":                    "line 2: name: is required",
		"name,host\na\n":                     "line 2: wrong number of fields",
		"name,host,password\na,b,\"canary\n": "line 2: extraneous or missing \" in quoted-field",
		"INSERT INTO users (name,host) VALUES ('a','b');": "line 1: the dump has no rows of servers",
	} {
		require.Contains(t, wrong(serverlist.Platform, text), want, text)
		require.NotContains(t, strings.Join(wrong(serverlist.Platform, text), "\n"), "canary", "what is in a cell may be a secret")
	}
}

func FuzzParse(f *testing.F) {
	for i, seed := range []string{"name,address\na,b\n", "- name: a\n", ini, "all: {hosts: {a: {ansible_port: 1}}}", "Host a\n  HostName b\n", rexDump, platformTable} {
		f.Add(uint8(i), seed)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		list, _ := serverlist.Parse(serverlist.Formats()[int(which)%len(serverlist.Formats())], text, 10)
		for _, e := range list.Entries {
			require.NotNil(t, e.Fields)
			require.Positive(t, e.Line)
		}
	})
}
