package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// These tests hold the dialect sourcedeploy to 004_304c77b524d18926.txt, on real hosts.

// shop is a Slipway that a client of sourcedeploy talks to: a project with a stage of its hosts.
type shop struct {
	*standalone
	hosts   []*hosttest.Host
	names   []string
	project uint64
	stage   uint64
}

const sourceDeploy = "/compat/sourcedeploy"

// call sends a request of the dialect, which must be answered with this status.
func (s *standalone) call(t testing.TB, method, path string, body any, status int) []byte {
	t.Helper()
	a := s.answered(t, request{method: method, path: sourceDeploy + path, body: body})
	require.Equal(t, status, a.status, "%s %s: %s", method, path, a)
	return a.body
}

// resultOf is what is in the object result of an answer.
func resultOf[T any](t testing.TB, s *standalone, method, path string, body any) T {
	t.Helper()
	var got struct {
		Result T `json:"result"`
	}
	text := s.call(t, method, path, body, http.StatusOK)
	require.NoError(t, json.Unmarshal(text, &got), "%s", text)
	return got.Result
}

// idName is a thing as the original names it.
type idName struct {
	ID   uint64 `json:"id"`
	Name string `json:"name"`
}

// openShop starts a Slipway with hosts, and with a project web-shop with a stage production of all of them, as a client of
// the original makes both.
func openShop(t *testing.T, hosts int, flags ...string) *shop {
	t.Helper()
	s := &shop{standalone: startStandalone(t, flags...), hosts: hosttest.Start(t, hosts)}
	s.names = s.addAll(t, s.hosts)
	s.uploadVersions(t, 0, "v1")
	s.project = resultOf[idName](t, s.standalone, "POST", "/project", map[string]any{"name": "web-shop"}).ID
	s.stage = resultOf[idName](t, s.standalone, "POST", fmt.Sprintf("/project/%d/stage/", s.project), map[string]any{
		"name": "production", "type": "Server", "config": map[string]any{"serverNo": s.serverNumbers(t)},
	}).ID
	return s
}

func (s *shop) serverNumbers(t *testing.T) (numbers []uint64) {
	t.Helper()
	list := resultOf[struct {
		ServerList []struct {
			ServerNo uint64 `json:"serverNo"`
			Name     string `json:"name"`
		} `json:"serverList"`
	}](t, s.standalone, "GET", "/server", nil)
	for i, one := range list.ServerList {
		require.Equal(t, s.names[i], one.Name)
		numbers = append(numbers, one.ServerNo)
	}
	return numbers
}

// scenario makes a scenario, a template of the stage production, and returns its number.
func (s *shop) scenario(t *testing.T, name string, says map[string]any) uint64 {
	t.Helper()
	defaults := map[string]any{"application": app, "stage": "production", "package": "newest"}
	for field, value := range says {
		defaults[field] = value
	}
	must[server](t, s.client, request{
		method: "POST", path: "/v1/projects/web-shop/templates", body: map[string]any{"name": name, "defaults": defaults},
	}, http.StatusCreated)
	list := resultOf[struct {
		ScenarioList []idName `json:"scenarioList"`
	}](t, s.standalone, "GET", fmt.Sprintf("/project/%d/stage/%d/scenario?scenarioName=%s", s.project, s.stage, name), nil)
	require.Len(t, list.ScenarioList, 1)
	require.Equal(t, name, list.ScenarioList[0].Name)
	return list.ScenarioList[0].ID
}

// run has a scenario deployed, or asks for that ("/request"), and returns the number of its history.
func (s *shop) run(t *testing.T, scenario uint64, how string) uint64 {
	t.Helper()
	begun := resultOf[struct {
		HistoryID uint64 `json:"historyId"`
	}](t, s.standalone, "POST", fmt.Sprintf("/project/%d/stage/%d/scenario/%d/deploy%s", s.project, s.stage, scenario, how), nil)
	require.NotZero(t, begun.HistoryID)
	return begun.HistoryID
}

func (s *shop) path(history uint64) string {
	return fmt.Sprintf("/project/%d/history/%d", s.project, history)
}

// told is the detail of a history, as far as tests look beside comparing all of it.
type told struct {
	Status string          `json:"status"`
	Config json.RawMessage `json:"config"`
}

func (s *shop) detail(t testing.TB, history uint64) told {
	t.Helper()
	var d told
	require.NoError(t, json.Unmarshal(s.call(t, "GET", s.path(history), nil, http.StatusOK), &d))
	return d
}

// awaitStatus waits until a deployment has this status.
func (s *shop) awaitStatus(t testing.TB, history uint64, status string) {
	t.Helper()
	last := ""
	require.True(t, poll(patience, func() bool {
		last = s.detail(t, history).Status
		return last == status
	}), "the status is %s and does not become %s", last, status)
}

// asks sends one of the commands of a history, which is to be done.
func (s *shop) asks(t *testing.T, history uint64, command string) {
	t.Helper()
	require.JSONEq(t, `{"result":{"result":true}}`, string(s.call(t, "POST", s.path(history)+command, nil, http.StatusOK)))
}

// refuses sends a request that is refused with this status and error code, and returns why.
func (s *shop) refuses(t *testing.T, method, path string, body any, status int, code string) string {
	t.Helper()
	return refused(t, s.call(t, method, path, body, status), code)
}

func refused(t *testing.T, text []byte, code string) string {
	t.Helper()
	var said struct {
		Error struct {
			ErrorCode, Message, Details *string
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal(text, &said), "%s", text)
	require.NotNil(t, said.Error.ErrorCode, "%s", text)
	require.NotNil(t, said.Error.Message, "%s", text)
	require.NotNil(t, said.Error.Details, "%s", text)
	require.Equal(t, code, *said.Error.ErrorCode, "%s", text)
	return *said.Error.Details
}

func TestSourceDeployTellsEachPartOfTheWay(t *testing.T) {
	t.Parallel()
	// A host that stands still is not given up on.
	s := openShop(t, 1, "--scheduler-limits-per-project", "1", "--executor-ssh-connect-timeout=5m", "--executor-ssh-keep-alive=1m")
	host := s.hosts[0]
	gate := func(name string) (hook, func()) {
		return hook{name, "read go <" + host.Home + "/" + name}, host.Gate(name)
	}
	before, goOn := gate("before")
	during, goOnThen := gate("during")
	after, finish := gate("after")
	scenario := s.scenario(t, "slow", map[string]any{"hooks": map[string]any{"before": []hook{before}, "during": []hook{during}, "after": []hook{after}}})
	host.Freeze()
	history := s.run(t, scenario, "")
	awaitTarget := func(status, step string) {
		t.Helper()
		var last string
		require.True(t, poll(patience, func() bool {
			var config []struct {
				Targets []struct {
					Status string          `json:"status"`
					Step   json.RawMessage `json:"step"`
				} `json:"targets"`
			}
			d := s.detail(t, history)
			require.NoError(t, json.Unmarshal(d.Config, &config))
			last = config[0].Targets[0].Status + " " + string(config[0].Targets[0].Step)
			return last == status+" "+step && (d.Status == "inprogress" || d.Status == "success")
		}), "the target is %s", last)
	}
	awaitTarget("standby", `{"pre":"inprogress","deploy":null,"post":null}`)

	// Meanwhile another one waits, and it can be cancelled.
	queued := s.run(t, scenario, "")
	s.awaitStatus(t, queued, "waiting")
	s.asks(t, queued, "/cancel")
	s.awaitStatus(t, queued, "canceled")
	s.asks(t, queued, "/cancel")

	host.Thaw()
	awaitTarget("pre", `{"pre":"inprogress","deploy":null,"post":null}`)
	goOn()
	awaitTarget("deploy", `{"pre":"success","deploy":"inprogress","post":null}`)
	goOnThen()
	awaitTarget("post", `{"pre":"success","deploy":"success","post":"inprogress"}`)
	finish()
	awaitTarget("success", `{"pre":"success","deploy":"success","post":"success"}`)
	s.awaitStatus(t, history, "success")
	require.Contains(t, s.refuses(t, "POST", s.path(history)+"/cancel", nil, 409, "100"), "state_conflict")

	// What fails, and what is cancelled on the way.
	failing := s.run(t, s.scenario(t, "failing", map[string]any{"hooks": map[string]any{"before": []hook{{"fail", "exit 3"}}}}), "")
	s.awaitStatus(t, failing, "fail")
	require.Contains(t, string(s.detail(t, failing).Config), `"status":"fail"`)
	require.Contains(t, string(s.detail(t, failing).Config), `"step":{"pre":"fail","deploy":null,"post":null}`)
	stopped := s.run(t, scenario, "")
	eventually(t, func() bool { return strings.Contains(string(s.detail(t, stopped).Config), `"status":"pre"`) }, "its hook does not begin")
	host.Freeze()
	s.asks(t, stopped, "/cancel")
	s.awaitStatus(t, stopped, "canceling")
	host.Thaw()
	goOn()
	s.awaitStatus(t, stopped, "canceled")
	requireEvents(t, s.standalone)
}

// as returns what sends requests of the dialect as somebody with this role alone, by a token in the place of a password.
func (s *shop) as(t *testing.T, role string, project ...string) func(t *testing.T, method, path string, status int) []byte {
	t.Helper()
	grant := map[string]string{"role": role}
	for _, p := range project {
		grant["project"] = p
	}
	token := must[struct{ Token string }](t, s.client, request{method: "POST", path: "/v1/tokens", body: map[string]any{
		"name": strings.Join(append([]string{role}, project...), "-"), "grants": []map[string]string{grant},
	}}, http.StatusCreated).Token
	return func(t *testing.T, method, path string, status int) []byte {
		t.Helper()
		return s.basic(t, token, method, path, status)
	}
}

func (s *shop) basic(t *testing.T, token, method, path string, status int) []byte {
	t.Helper()
	credentials := "Basic " + base64.StdEncoding.EncodeToString([]byte("slipway:"+token))
	a := s.answered(t, request{method: method, path: sourceDeploy + path, header: map[string]string{"Authorization": credentials}})
	require.Equal(t, status, a.status, "%s", a)
	return a.body
}

func TestADeploymentThatCannotGoOnIsAnErrorToSourceDeploy(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	asked := s.run(t, s.scenario(t, "nightly", nil), "/request")
	s.awaitStatus(t, asked, "pending")
	s.process.kill() // with what it has in memory of the plan
	s.process.start()
	s.process.awaitLog(`Slipway listens on (http://\S+)`)
	must[any](t, s.client, request{method: "GET", path: "/readyz"}, http.StatusOK)
	snapshots, err := openStreams(t, s.natsURL).Stream(t.Context(), "KV_SNAPSHOTS")
	require.NoError(t, err)
	require.NoError(t, snapshots.Purge(t.Context()))
	eventually(t, func() bool {
		a, err := s.do(request{method: "POST", path: sourceDeploy + s.path(asked) + "/approval/accept"})
		return err == nil && a.status == http.StatusOK
	}, "it cannot be approved")
	s.awaitStatus(t, asked, "error")
}
