package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh/knownhosts"
)

// outcomes imports a known_hosts and returns what came of it, by name.
func (f *fixture) outcomes(text string, more object) map[string]string {
	f.Helper()
	answer := f.post("/v1/known-hosts", object{"known_hosts": text}.with(more)).is(200).object()
	all := map[string]string{}
	for _, row := range answer["servers"].([]any) {
		row := row.(map[string]any)
		all[row["name"].(string)] = row["outcome"].(string)
	}
	return all
}

func TestServersGetTheirKeysFromAKnownHosts(t *testing.T) {
	f := start(t)
	server := func(name, address string, port int) string {
		return "/v1/servers/" + f.post("/v1/servers", object{"name": name, "address": address, "user": "u", "port": port}).is(201).id()
	}
	plain, ported, hashed := server("plain", "192.0.2.7", 22), server("ported", "ported.example.com", 2222), server("hashed", "hashed.example.com", 22)
	byName, certified, other := server("alias", "192.0.2.8", 22), server("certified", "a.corp.example.com", 22), server("other", "192.0.2.9", 22)
	keys := make([]string, 6)
	for i := range keys {
		keys[i] = hostKey(t)
	}
	text := strings.Join([]string{
		"# from the bastion",
		"192.0.2.7 " + keys[0] + " root@plain",
		"[ported.example.com]:2222 " + keys[1],
		knownhosts.HashHostname("hashed.example.com") + " " + keys[2],
		"alias " + keys[3],
		"@cert-authority *.corp.example.com " + keys[4],
		"@revoked *.corp.example.com " + keys[5],
	}, "\n")
	want := map[string]string{"plain": "added", "ported": "added", "hashed": "added", "alias": "added", "certified": "added"}
	require.Equal(t, want, f.outcomes(text, object{"dry_run": true}))
	require.Empty(t, f.get(plain).text("host_key"), "nothing is stored by that")
	require.Equal(t, want, f.outcomes(text, nil))
	for path, key := range map[string]string{plain: keys[0], ported: keys[1], hashed: keys[2], byName: keys[3]} {
		require.Equal(t, key, f.get(path).text("host_key"))
	}
	require.Equal(t, []string{"", keys[4], keys[5]}, []string{
		f.get(certified).text("host_key"), f.get(certified).text("host_ca"), f.get(certified).text("revoked_keys"),
	})
	require.Empty(t, f.get(other).text("host_key"))

	again := f.post("/v1/known-hosts", object{"known_hosts": text}).is(200).object()
	require.EqualValues(t, 5, again["unchanged"])
	require.Empty(t, again["servers"])
}

func TestAKeyThatIsKnownIsReplacedOnRequestAlone(t *testing.T) {
	f := start(t)
	known, further, changed := hostKey(t), "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=", hostKey(t)
	path := "/v1/servers/" + f.post("/v1/servers", web("a").with(object{"host_key": known})).is(201).id()
	stored := func() string { return f.get(path).text("host_key") }

	require.Equal(t, map[string]string{"a": "added"}, f.outcomes("web.example.com "+further, nil), "a key of another type")
	require.Equal(t, known+"\n"+further, stored())
	require.Equal(t, map[string]string{"a": "conflict"}, f.outcomes("web.example.com "+changed, nil))
	require.Equal(t, known+"\n"+further, stored())

	require.Equal(t, map[string]string{"a": "replaced"}, f.outcomes("web.example.com "+changed, object{"replace": true}))
	require.Equal(t, changed, stored())
	require.Empty(t, f.outcomes("web.example.com "+changed, object{"replace": true}))

	many := ""
	for range 17 {
		many += "@revoked * " + hostKey(t) + "\n"
	}
	require.Equal(t, map[string]string{"a": "too_many"}, f.outcomes(many, nil))
	require.Empty(t, f.get(path).text("revoked_keys"))
}

func TestAKnownHostsThatCannotBeReadChangesNothing(t *testing.T) {
	f := start(t)
	path := "/v1/servers/" + f.post("/v1/servers", web("a")).is(201).id()
	res := f.post("/v1/known-hosts", object{"known_hosts": "web.example.com " + hostKey(t) + "\n@trusted x y\nweb\n"})
	res.refused(422, "invalid_request")
	for line, wrong := range map[int]string{2: "begins with a marker", 3: "must hold host names"} {
		require.Contains(t, string(res.raw), fmt.Sprintf("line %d %s", line, wrong))
	}
	require.Empty(t, f.get(path).text("host_key"))
	for _, body := range []object{{}, {"known_hosts": ""}, {"known_hosts": 1}, {"known_hosts": "x", "more": 1}} {
		f.post("/v1/known-hosts", body).refused(422, "invalid_request")
	}
}
