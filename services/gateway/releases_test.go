package gateway_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// groups is of how many servers executors were asked at once.
type groups struct {
	mu    sync.Mutex
	sizes []int
}

func (g *groups) add(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sizes = append(g.sizes, size)
}

// numbered adds so many servers.
func (f *fixture) numbered(n int) (names, ids []string) {
	f.Helper()
	for i := range n {
		names = append(names, fmt.Sprintf("s%02d", i))
	}
	return names, f.fleet(names...)
}

func TestReleasesAreReadFromTheServers(t *testing.T) {
	f := start(t)
	names, ids := f.numbered(45)
	f.get("/v1/releases?application=shop").refused(503, "unavailable")

	var asks groups
	f.respond(contract.ReleasesSubject(""), func(m contract.Message) contract.Body {
		asked := m.Body.(contract.Inspect)
		asks.add(len(asked.Targets))
		assert.Equal(t, "apps/shop", asked.Path)
		var rows contract.Releases
		for _, target := range asked.Targets {
			row := contract.HostReleases{
				Host: target.Host, Current: "2", Intact: true, Previous: "1",
				Releases: []contract.Release{{Version: "1", SHA256: "x"}, {Version: "2", SHA256: "y"}},
			}
			if target.Host == ids[1] {
				row = contract.HostReleases{Host: target.Host, Failure: &contract.Failure{Code: "unreachable", Reason: "no route"}}
			}
			if target.Host != ids[2] {
				rows.Hosts = append(rows.Hosts, row)
			}
		}
		return rows
	})
	all := f.get("/v1/releases?application=shop").is(200)
	require.Equal(t, names, all.column("name"))
	require.ElementsMatch(t, []int{20, 20, 5}, asks.sizes)
	rows := all.object()["items"].([]any)
	require.Equal(t, "2", rows[0].(map[string]any)["current"])
	require.Equal(t, "unreachable", rows[1].(map[string]any)["failure"].(map[string]any)["code"])
	require.Equal(t, "internal_error", rows[2].(map[string]any)["failure"].(map[string]any)["code"])

	require.Equal(t, names, f.pages("/v1/releases?application=shop&label=role%3Dweb&limit=20", "name"))
	require.Equal(t, []string{"s07", "s03"}, f.get("/v1/releases?application=shop&server=s07&server="+ids[3]).is(200).column("name"))
	require.Empty(t, f.get("/v1/releases?application=shop&label=role%3Ddb").is(200).column("name"))
}

func TestAQuestionAboutReleasesThatCannotBeAsked(t *testing.T) {
	f := start(t)
	bad := f.get("/v1/releases?path=..&server=x&label=a%3Db&cursor=%21&limit=x&state=y").refused(422, "invalid_request")
	for _, name := range []string{"application", "path", "label", "cursor", "limit", "state"} {
		require.Contains(t, bad, name)
	}
	require.Contains(t, f.get("/v1/releases?application=shop&server=nobody").refused(422, "invalid_request"), "server[0]")
}

func TestAnExecutorThatDoesNotAnswerFailsItsRows(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Inspect = 200 * time.Millisecond })
	f.fleet("a")
	f.respond(contract.ReleasesSubject(""), func(contract.Message) contract.Body { return nil })
	require.Equal(t, "deadline_exceeded", f.failureOf("a"))
}

func TestAnExecutorThatRefusesFailsItsRows(t *testing.T) {
	f := start(t)
	f.fleet("a")
	f.respond(contract.ReleasesSubject(""), func(contract.Message) contract.Body {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "no"}
	})
	require.Equal(t, "internal_error", f.failureOf("a"))
}

// failureOf is the code of the failure in a server's row.
func (f *fixture) failureOf(server string) any {
	f.Helper()
	row := f.get("/v1/releases?application=shop&path=/srv/shop&server=" + server).is(200).object()["items"].([]any)[0].(map[string]any)
	return row["failure"].(map[string]any)["code"]
}

func TestAHostKeyIsKeptOnFirstContactAlone(t *testing.T) {
	f := start(t)
	trusting := f.post("/v1/servers", web("trusting")).is(201).id()
	careful := f.post("/v1/servers", web("careful").with(object{"first_contact": false})).is(201).id()
	record := func(host, key string) contract.Body {
		data, err := contract.Encode(contract.Envelope{Host: host}, contract.RecordHostKey{Key: key})
		require.NoError(t, err)
		reply, err := f.bus.Conn().Request(contract.RecordHostKeys, data, patience)
		require.NoError(t, err)
		m, err := contract.Decode(reply.Data)
		require.NoError(t, err)
		return m.Body
	}
	first, second := hostKey(t), hostKey(t)
	require.Equal(t, contract.HostKey{Key: first}, record(trusting, first+" a comment"))
	require.Equal(t, contract.HostKey{Key: first}, record(trusting, second), "the first one counts")
	require.Equal(t, first, f.get("/v1/servers/"+trusting).text("host_key"))

	code := func(host, key string) string { return record(host, key).(contract.Refused).Code }
	require.Equal(t, contract.RefusedInvalid, code(careful, first))
	require.Equal(t, contract.RefusedInvalid, code(trusting, "nonsense"))
	require.Equal(t, contract.RefusedNotFound, code("nobody", first))
	require.Equal(t, contract.RefusedNotFound, code("a.b", first))
	reply, err := f.bus.Conn().Request(contract.RecordHostKeys, []byte("nonsense"), patience)
	require.NoError(t, err)
	require.Contains(t, string(reply.Data), contract.RefusedInvalid)

	told := f.toldOf("servers.record_key")
	require.Equal(t, []string{"asked server " + trusting, "accepted server " + trusting}, told, "what changes nothing is not told")
}

func TestOfKeysOfferedAtOnceOneCounts(t *testing.T) {
	f := start(t)
	f.run() // a second gateway
	id := f.post("/v1/servers", web("a")).is(201).id()
	answers := make(chan string, 16)
	for range cap(answers) {
		data, err := contract.Encode(contract.Envelope{Host: id}, contract.RecordHostKey{Key: hostKey(t)})
		require.NoError(t, err)
		go func() {
			reply, err := f.bus.Conn().Request(contract.RecordHostKeys, data, patience)
			if err != nil {
				answers <- err.Error()
				return
			}
			m, _ := contract.Decode(reply.Data)
			answers <- m.Body.(contract.HostKey).Key
		}()
	}
	keys := map[string]bool{}
	for range cap(answers) {
		keys[<-answers] = true
	}
	require.Equal(t, map[string]bool{f.get("/v1/servers/" + id).text("host_key"): true}, keys)
}
