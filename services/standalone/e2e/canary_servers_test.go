package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/pem"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// encrypted is the key of a host's login with a passphrase.
func encrypted(t testing.TB, h *hosttest.Host, passphrase string) string {
	t.Helper()
	key, err := ssh.ParseRawPrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block))
}

// servers adds hosts by key, by key with a passphrase and by password, and has each mistake made that is made with them.
func (a *aviary) servers(hosts []*hosttest.Host) (names []string) {
	passphrase := a.canary("a passphrase")
	specs := []spec{specOf(hosts[0]), specOf(hosts[1]), specOf(hosts[2])}
	locked := encrypted(a.t, hosts[1], passphrase)
	a.canaries["a key with a passphrase"] = keyMaterial([]byte(locked))
	specs[1]["credential"] = map[string]any{"private_key": locked, "passphrase": passphrase}
	specs[2]["credential"] = map[string]any{"password": hosts[2].Password}
	for _, s := range specs {
		names = append(names, a.add(a.t, s).Name)
	}
	wrong := specOf(hosts[0])
	wrong["name"], wrong["credential"] = "wrong", map[string]any{"password": a.canary("a password that is wrong")}
	names = append(names, a.add(a.t, wrong).Name)
	for field, value := range map[string]any{
		"password":    []string{a.canary("a password in a list")},
		"private_key": a.canary("what is no key"),
		"passphrase":  a.canary("a passphrase of no key"),
	} {
		bad := specOf(hosts[0])
		bad["name"], bad["credential"] = "bad", map[string]any{field: value}
		a.refused("POST", "/v1/servers", bad)
	}
	bad := specOf(hosts[0])
	bad["name"], bad["credential"] = "bad", map[string]any{"private_key": locked, "passphrase": a.canary("a passphrase that is wrong")}
	a.refused("POST", "/v1/servers", bad)
	bad["credential"] = a.canary("a credential that is a text")
	a.refused("POST", "/v1/servers", bad)
	bad["secret"] = a.canary("a field that is not known")
	a.refused("POST", "/v1/servers", bad)
	a.refused("POST", "/v1/servers", []byte(`{"credential":{"password":"`+a.canary("JSON that is cut off")))
	return names
}

// lists have servers added with credentials in them or beside them, and are refused with credentials that are none. Each
// server is deployed to, since only who has its credential can be.
func (a *aviary) lists() []*hosttest.Host {
	one := func(more ...hosttest.Option) *hosttest.Host { return hosttest.Start(a.t, 1, more...)[0] } // with a key of its own
	byPassword, byKey, beside, ofRex := one(hosttest.WithPassword()), one(), one(), one(hosttest.WithPassword())
	take := func(format, list string, credential map[string]any, want int) {
		defaults := map[string]any{"first_contact": true, "user": ofRex.User, "port": ofRex.Port}
		if credential != nil {
			defaults["credential"] = credential
		}
		body := map[string]any{"format": format, "list": list, "defaults": defaults}
		for _, dry := range []bool{true, false} {
			body["dry_run"] = dry
			require.Equal(a.t, imported{Created: want}, must[imported](a.t, a.client, request{method: "POST", path: "/v1/servers/import", body: body}, http.StatusOK))
		}
	}
	passphrase := a.canary("a passphrase in a list")
	locked := encrypted(a.t, byKey, passphrase)
	a.canaries["a key with a passphrase in a list"] = keyMaterial([]byte(locked))
	columns := []string{"name", "host", "port", "username", "auth_type", "password", "private_key", "passphrase"}
	row := func(h *hosttest.Host, kind, password, key, passphrase string) []string {
		return []string{"listed-" + h.Name, h.Addr, fmt.Sprint(h.Port), h.User, kind, password, key, passphrase}
	}
	take("platform", table(a.t, columns, row(byPassword, "password", byPassword.Password, "", ""), row(byKey, "key", "", locked, passphrase)), nil, 2)
	take("ssh_config", fmt.Sprintf("Host listed-%s\n  HostName %s\n  Port %d\n", beside.Name, beside.Addr, beside.Port),
		map[string]any{"private_key": string(beside.PrivateKeyPEM)}, 1)
	rex := fmt.Sprintf("server_name,network_ip,local_name,app_key,pro_dir\nlisted-%s,%s,web,web,/srv/web\n", ofRex.Name, ofRex.Addr)
	take("rex", rex, map[string]any{"password": ofRex.Password}, 1)

	hosts := []*hosttest.Host{byPassword, byKey, beside, ofRex}
	for _, h := range hosts {
		secret := a.canary("a secret for a host of a list, " + h.Name)
		a.accepted(withSecret("v1", secret, "listed-"+h.Name))
		requireTook(a.t, h, secret)
	}

	wrong := row(byKey, "key", "", locked, a.canary("a passphrase in a list that is wrong"))
	none := row(byKey, "key", a.canary("a password in a list that is not asked for"), a.canary("what is no key in a list"), "")
	for _, bad := range [][]string{wrong, none} {
		bad[0] = "bad"
		a.refused("POST", "/v1/servers/import", map[string]any{"format": "platform", "list": table(a.t, columns, bad)})
	}
	kind := row(byPassword, a.canary("a password in the place of its kind"), a.canary("a password of no kind"), "", "")
	short := row(byPassword, "password", a.canary("a password in a line that is short"), "", "")[:6]
	for name, odd := range map[string][]string{"kind": kind, "short": short} { // refused or not
		odd[0] = name
		got := a.try("POST", "/v1/servers/import", map[string]any{"format": "platform", "list": table(a.t, columns, odd)})
		require.Less(a.t, got.status, 500, "%s: %s", name, got)
	}
	// What other formats say of credentials is not taken, and told in notes.
	for format, list := range map[string]string{
		"ansible_ini": "[web]\nold ansible_host=192.0.2.7 ansible_user=ann ansible_password='" + a.canary("a password of Ansible") + "'\n",
		"csv":         table(a.t, []string{"name", "address", "user", "password"}, []string{"old", "192.0.2.7", "ann", a.canary("a password in CSV")}),
		"yaml":        "- {name: old, address: 192.0.2.7, user: ann, credential: {password: '" + a.canary("a password in YAML") + "'}}\n",
		"ssh_config":  "Host old\n  HostName 192.0.2.7\n  User ann\n  Password " + a.canary("a password in ssh_config") + "\n",
		"rex":         a.canary("what is no list"),
	} {
		got := a.try("POST", "/v1/servers/import", map[string]any{"format": format, "list": list, "dry_run": true})
		require.Less(a.t, got.status, 500, "%s: %s", format, got)
	}
	a.refused("POST", "/v1/servers/import", map[string]any{"format": "csv", "list": "name,address\nx,192.0.2.7\n", "defaults": map[string]any{
		"credential": map[string]any{"private_key": a.canary("what is no key beside a list")},
	}})
	a.refused("POST", "/v1/known-hosts", map[string]any{"known_hosts": "192.0.2.7 ssh-ed25519 " + a.canary("what is no key of a host") + "\n"})
	return hosts
}

// table is rows as CSV.
func table(t testing.TB, rows ...[]string) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, csv.NewWriter(&text).WriteAll(rows))
	return text.String()
}

// jumps are hosts that are come to through another, each with a credential of its own.
func (a *aviary) jumps() []*hosttest.Host {
	door, behind := hosttest.Start(a.t, 1, hosttest.WithPassword())[0], hosttest.Start(a.t, 1)[0]
	passphrase := a.canary("a passphrase behind another")
	edge, inner := specOf(door), specOf(behind)
	edge["credential"] = map[string]any{"password": door.Password}
	inner["jump_host"], inner["credential"] = a.add(a.t, edge).Name, map[string]any{"private_key": encrypted(a.t, behind, passphrase), "passphrase": passphrase}
	name := a.add(a.t, inner).Name
	secret := a.canary("a secret for a host behind another")
	a.accepted(withSecret("v1", secret, name))
	requireTook(a.t, behind, secret)

	shut := specOf(door)
	shut["name"], shut["credential"] = "shut", map[string]any{"password": a.canary("a password of a jump host that is wrong")}
	inner["name"], inner["jump_host"] = "unreachable", a.add(a.t, shut).Name
	d := must[deployment](a.t, a.client, withSecret("v1", a.canary("a secret that never arrives"), a.add(a.t, inner).Name), http.StatusAccepted)
	require.Equal(a.t, "failed", a.await(a.t, d.ID, patience).State, "%s", a.describe(a.t, d.ID))
	return []*hosttest.Host{door, behind}
}
