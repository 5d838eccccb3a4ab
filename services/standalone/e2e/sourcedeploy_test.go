package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/haproxytest"
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
	a, err := s.do(request{method: method, path: sourceDeploy + path, body: body})
	require.NoError(t, err)
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

// native is the newest deployment of the project, as Slipway shows it.
func (s *shop) native(t *testing.T) (d deployment, began, ended string) {
	t.Helper()
	type dated struct {
		deployment
		AcceptedAt time.Time  `json:"accepted_at"`
		EndedAt    *time.Time `json:"ended_at"`
	}
	page := must[page[dated]](t, s.client, request{method: "GET", path: "/v1/deployments?project=web-shop&limit=1"}, http.StatusOK)
	require.Len(t, page.Items, 1)
	ended = "null"
	if at := page.Items[0].EndedAt; at != nil {
		ended = fmt.Sprint(at.UnixMilli())
	}
	return page.Items[0].deployment, fmt.Sprint(page.Items[0].AcceptedAt.UnixMilli()), ended
}

// progress is how a target is to be told that has succeeded: by when its steps began.
func progress(t *testing.T, one target, number uint64) string {
	t.Helper()
	began := map[string]int64{}
	for _, s := range one.Steps {
		began[s.Step] = s.StartedAt.UnixMilli()
	}
	first := func(steps ...string) string {
		for _, s := range steps {
			if at, ok := began[s]; ok {
				return fmt.Sprint(at)
			}
		}
		return "null"
	}
	times := []string{first("connect"), first("stage", "switch", "traffic"), first("restart", "check", "after", "clean", "retire")}
	states := make([]string, 3)
	for i, at := range times {
		states[i] = `"success"`
		if at == "null" {
			states[i] = "null"
		}
	}
	return fmt.Sprintf(`{"server":{"no":%d,"name":%q},"status":"success","time":{"pre":%s,"deploy":%s,"post":%s},"step":{"pre":%s,"deploy":%s,"post":%s}}`,
		number, one.Name, times[0], times[1], times[2], states[0], states[1], states[2])
}

func TestSourceDeployShowsADeploymentToServersAsItsDocumentDoes(t *testing.T) {
	t.Parallel()
	s := openShop(t, 2)
	scenario := s.scenario(t, "nightly", map[string]any{
		"hooks":  map[string]any{"before": []hook{{"note", "echo before >before"}}, "after": []hook{{"note", "echo after >after"}}},
		"checks": []map[string]any{{"name": "here", "command": "test -e VERSION"}},
	})
	history := s.run(t, scenario, "")
	s.awaitStatus(t, history, "success")
	for _, h := range s.hosts {
		requireRuns(t, h, "v1")
	}
	d, began, ended := s.native(t)
	numbers := s.serverNumbers(t)
	var rows []string
	targets := s.targets(t, d.ID)
	for i, name := range s.names {
		rows = append(rows, progress(t, targets[name], numbers[i]))
	}
	origin := fmt.Sprintf(`"project":{"id":%d,"name":"web-shop"},"stage":{"id":%d,"name":"production"},"scenario":{"id":%d,"name":"nightly"}`, s.project, s.stage, scenario)
	require.JSONEq(t, fmt.Sprintf(`{%s,"id":%d,"status":"success","executor":"bootstrap","startTime":%s,"endTime":%s,"type":"Server",
		"config":[{"strategy":"normal","file":{"selected":"shop.tar.gz","type":"SourceBuild"},"targets":[%s]}]}`, origin, history, began, ended, strings.Join(rows, ",")),
		string(s.call(t, "GET", s.path(history)+"/", nil, http.StatusOK)))

	// Lists, with pages, and with numbers as texts.
	require.JSONEq(t, fmt.Sprintf(`{"result":{"historyList":[{%s,"id":%d,"startTime":%s,"status":"success"}]}}`, origin, history, began),
		string(s.call(t, "GET", fmt.Sprintf("/project/%d/history", s.project), nil, http.StatusOK)))
	again := request{
		method: "POST", path: fmt.Sprintf("%s/project/%d/stage/%d/scenario/%d/deploy", sourceDeploy, s.project, s.stage, scenario),
		header: map[string]string{"Idempotency-Key": "once"},
	}
	type begun struct{ Result struct{ HistoryID uint64 } }
	second := must[begun](t, s.client, again, http.StatusOK).Result.HistoryID
	require.Equal(t, second, must[begun](t, s.client, again, http.StatusOK).Result.HistoryID, "a repeat deploys nothing again")
	s.awaitStatus(t, second, "success")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: s.names}).ID) // of no scenario, and no project
	for page, want := range map[string][]uint64{"pageNo=1&pageSize=1": {second}, "pageNo=2&pageSize=1": {history}, "pageNo=3&pageSize=1": nil, "": {second, history}} {
		require.Equal(t, want, s.listed(t, page), page)
	}
	for range 2 { // natively, and nobody is told their numbers
		s.succeed(t, must[deployment](t, s.client, request{
			method: "POST", path: "/v1/deployments", body: map[string]any{"project": "web-shop", "template": "nightly"},
		}, http.StatusAccepted).ID)
	}
	listed := s.listed(t, "")
	require.Len(t, listed, 4)
	require.IsDecreasing(t, listed)
	require.JSONEq(t, fmt.Sprintf(`{"result":{"projectList":[{"id":%d,"name":"web-shop"}]}}`, s.project), string(s.call(t, "GET", "/project/?projectName=web", nil, 200)))
	require.JSONEq(t, `{"result":{"projectList":[]}}`, string(s.call(t, "GET", "/project?pageNo=2&pageSize=10", nil, 200)))
	require.JSONEq(t, fmt.Sprintf(`{"result":{"stageList":[{"id":%d,"name":"production"}]}}`, s.stage), string(s.call(t, "GET", fmt.Sprintf("/project/%d/stage", s.project), nil, 200)))
	require.JSONEq(t, fmt.Sprintf(`{"result":{"scenarioList":[{"id":%d,"name":"nightly"}]}}`, scenario),
		string(s.call(t, "GET", fmt.Sprintf("/project/%d/stage/%d/scenario", s.project, s.stage), nil, 200)))

	// What is gone has no number any more, but its name; the numbers of others stay.
	must[any](t, s.client, request{method: "DELETE", path: "/v1/projects/web-shop/templates/nightly"}, http.StatusNoContent)
	require.Contains(t, string(s.call(t, "GET", s.path(history), nil, 200)), `"scenario":{"id":null,"name":"nightly"}`)
	requireEvents(t, s.standalone)
}

// listed is the numbers in a page of the history, in its order.
func (s *shop) listed(t *testing.T, page string) (ids []uint64) {
	t.Helper()
	for _, one := range resultOf[struct {
		HistoryList []idName `json:"historyList"`
	}](t, s.standalone, "GET", fmt.Sprintf("/project/%d/history?%s", s.project, page), nil).HistoryList {
		ids = append(ids, one.ID)
	}
	return ids
}

func TestSourceDeployTellsEachPartOfTheWay(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1, "--scheduler-limits-per-project", "1")
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
	require.Equal(t, "canceling", s.detail(t, stopped).Status)
	host.Thaw()
	goOn()
	s.awaitStatus(t, stopped, "canceled")
	requireEvents(t, s.standalone)
}

func TestSourceDeployAsksForAnApproval(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	scenario := s.scenario(t, "nightly", nil)

	asked := s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	require.Contains(t, string(s.detail(t, asked).Config), `"status":"pending"`)
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/canary/accept", nil, 409, "100"), "no canary waits for a verdict: the deployment is pending")
	s.refuses(t, "POST", s.path(asked)+"/canary/reject", nil, 409, "100")
	require.Equal(t, "pending", s.detail(t, asked).Status, "what rejects a canary rejects no request")
	s.asks(t, asked, "/approval/reject")
	s.awaitStatus(t, asked, "reject")
	s.asks(t, asked, "/approval/reject") // once more
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/approval/accept", nil, 409, "100"), "waits for no approval: it is reject")
	for _, verdict := range []string{"/canary/accept", "/canary/reject"} {
		why := s.refuses(t, "POST", s.path(asked)+verdict, nil, 409, "100")
		require.Contains(t, why, "no canary waits for a verdict: the deployment is reject", "it never had one")
	}
	require.Contains(t, string(s.detail(t, asked).Config), `"status":"no progress"`)
	require.Empty(t, runs(t, s.hosts[0], appPath))

	asked = s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	s.asks(t, asked, "/approval/accept/")
	s.awaitStatus(t, asked, "success")
	requireRuns(t, s.hosts[0], "v1")
	s.asks(t, asked, "/approval/accept") // once more
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/approval/reject", nil, 409, "100"), "waits for no approval")
	unasked := s.run(t, scenario, "")
	s.awaitStatus(t, unasked, "success")
	require.Contains(t, s.refuses(t, "POST", s.path(unasked)+"/approval/accept", nil, 409, "100"), "waits for no approval: it is success")

	// The stage may ask for it, of somebody else, whoever asks and however.
	must[any](t, s.client, request{
		method: "PATCH", path: "/v1/projects/web-shop/stages/production", body: map[string]any{"defaults": map[string]any{"approval": map[string]any{"not_requester": true}}},
	}, http.StatusOK)
	approver := s.as(t, "approver")
	for _, how := range []string{"", "/request"} {
		asked = s.run(t, scenario, how)
		s.awaitStatus(t, asked, "pending")
		s.refuses(t, "POST", s.path(asked)+"/approval/accept", nil, 409, "100")
		answer := approver(t, "POST", s.path(asked)+"/approval/accept", 200)
		require.JSONEq(t, `{"result":{"result":true}}`, string(answer))
		s.awaitStatus(t, asked, "success")
	}
	asked = s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	s.asks(t, asked, "/cancel")
	s.awaitStatus(t, asked, "canceled")
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
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+sourceDeploy+path, nil)
	require.NoError(t, err)
	req.SetBasicAuth("slipway", token)
	resp, err := s.http.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, status, resp.StatusCode, "%s", text)
	return text
}

func TestSourceDeployJudgesCanaries(t *testing.T) {
	t.Parallel()
	s := openShop(t, 2, "--scheduler-analysis-allow", "127.0.0.0/8")
	canary := func(more map[string]any) map[string]any {
		strategy := map[string]any{"type": "canary", "first": 1}
		for name, value := range more {
			strategy[name] = value
		}
		return map[string]any{"strategy": strategy, "failures": map[string]any{"then": "rollback"}}
	}
	held := s.scenario(t, "held", canary(map[string]any{"hold": "1h"}))

	good := s.run(t, held, "")
	s.awaitStatus(t, good, "canary_pending")
	require.Contains(t, s.refuses(t, "POST", s.path(good)+"/approval/reject", nil, 409, "100"), "waits for no approval: it is canary_pending")
	require.Empty(t, runs(t, s.hosts[1], appPath))
	s.asks(t, good, "/canary/accept")
	s.awaitStatus(t, good, "success")
	requireRuns(t, s.hosts[1], "v1")
	s.asks(t, good, "/canary/accept") // once more

	s.uploadVersions(t, 0, "v2")
	bad := s.run(t, held, "")
	s.awaitStatus(t, bad, "canary_pending")
	requireRuns(t, s.hosts[0], "v2")
	s.hosts[0].Freeze() // the way back takes its time
	s.asks(t, bad, "/canary/reject")
	s.awaitStatus(t, bad, "canary_rejecting")
	s.hosts[0].Thaw()
	s.awaitStatus(t, bad, "canary_reject")
	s.asks(t, bad, "/canary/reject") // once more
	requireRuns(t, s.hosts[0], "v1")

	late := s.run(t, s.scenario(t, "hurried", canary(map[string]any{"hold": "1s"})), "")
	s.awaitStatus(t, late, "canary_waiting_timeout")
	requireRuns(t, s.hosts[0], "v1")

	var sick atomic.Bool
	health := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(health.Close)
	check := []map[string]any{{"name": "health", "http": map[string]any{"url": health.URL}}}
	measured := s.scenario(t, "measured", canary(map[string]any{"analysis": map[string]any{"interval": "1s", "successes": 1000, "checks": check}}))
	judged := s.run(t, measured, "")
	s.awaitStatus(t, judged, "canary_analyzing")
	sick.Store(true)
	s.awaitStatus(t, judged, "canary_reject")
	requireRuns(t, s.hosts[0], "v1")
	sick.Store(false)
	judged = s.run(t, measured, "")
	s.awaitStatus(t, judged, "canary_analyzing")
	s.asks(t, judged, "/canary/accept")
	s.awaitStatus(t, judged, "success")
	requireRuns(t, s.hosts[1], "v2")

	// The scenario says normal to clients, who know no other word for servers.
	require.Contains(t, string(s.detail(t, judged).Config), `"strategy":"normal"`)
	require.Equal(t, 2, strings.Count(string(s.call(t, "GET", fmt.Sprintf("/project/%d/history", s.project), nil, 200)), `"canary_reject"`))
	requireEvents(t, s.standalone)
}

func TestSourceDeployShowsAGroupAsItsDocumentShowsAnAutoScalingGroup(t *testing.T) {
	t.Parallel()
	sets := startTwoSets(t)
	s := &shop{standalone: sets.standalone}
	for _, one := range all[struct {
		ID     string            `json:"id"`
		Labels map[string]string `json:"labels"`
	}](t, s.client, "/v1/servers", nil) {
		if one.Labels["color"] != "" {
			s.change(t, one.ID, spec{"labels": map[string]string{"role": "web"}})
		}
	}
	must[any](t, s.client, request{method: "POST", path: "/v1/groups", body: map[string]any{"name": "web", "selector": map[string]string{"role": "web"}}}, http.StatusCreated)
	groups := resultOf[struct {
		AutoScalingList []struct {
			GroupNo       uint64 `json:"groupNo"`
			Name          string `json:"name"`
			InstanceCount int    `json:"instanceCount"`
		} `json:"autoScalingList"`
	}](t, s.standalone, "GET", "/autoscaling", nil).AutoScalingList
	require.Len(t, groups, 1)
	require.Equal(t, "web 4", fmt.Sprint(groups[0].Name, " ", groups[0].InstanceCount))
	s.project = resultOf[idName](t, s.standalone, "POST", "/project", map[string]any{"name": "web-shop"}).ID
	s.stage = resultOf[idName](t, s.standalone, "POST", fmt.Sprintf("/project/%d/stage", s.project), map[string]any{
		"name": "production", "type": "AutoScalingGroup", "config": map[string]any{"autoScalingGroupNo": fmt.Sprint(groups[0].GroupNo)},
	}).ID
	numbers := map[string]uint64{}
	for _, one := range resultOf[struct {
		ServerList []struct {
			ServerNo uint64 `json:"serverNo"`
			Name     string `json:"name"`
		} `json:"serverList"`
	}](t, s.standalone, "GET", "/server", nil).ServerList {
		numbers[one.Name] = one.ServerNo
	}

	requireShown := func(history, scenario uint64, name, strategy string) {
		t.Helper()
		d, began, ended := s.native(t)
		var rows []string
		for _, one := range all[target](t, s.client, "/v1/deployments/"+d.ID+"/targets", nil) {
			rows = append(rows, progress(t, one, numbers[one.Name]))
		}
		require.JSONEq(t, fmt.Sprintf(`{"project":{"id":%d,"name":"web-shop"},"stage":{"id":%d,"name":"production"},"scenario":{"id":%d,"name":%q},
			"id":%d,"status":"success","executor":"bootstrap","startTime":%s,"endTime":%s,"type":"AutoScalingGroup",
			"config":{"strategy":%q,"autoScalingGroup":{"no":%d,"name":"web"},"file":{"selected":"shop.tar.gz","type":"SourceBuild"},"targets":[%s]}}`,
			s.project, s.stage, scenario, name, history, began, ended, strategy, groups[0].GroupNo, strings.Join(rows, ",")),
			string(s.call(t, "GET", s.path(history), nil, http.StatusOK)))
	}
	all := s.scenario(t, "everywhere", map[string]any{"package": nil, "version": "v1"})
	history := s.run(t, all, "")
	s.awaitStatus(t, history, "success")
	requireShown(history, all, "everywhere", "normal")

	switched := s.scenario(t, "switched", map[string]any{
		"package": nil, "version": "v2", "timeouts": map[string]string{"step": "60s"},
		"strategy": map[string]any{
			"type": "blueGreen", "label": "color", "to": "green", "keep": "1h", "retire": map[string]any{"command": "true"},
			"traffic": map[string]any{
				"servers": []string{sets.balancer.Name}, "haproxy": map[string]any{"socket": sets.proxy.Socket, "backend": haproxytest.Backend},
			},
		},
	})
	history = s.run(t, switched, "")
	s.awaitStatus(t, history, "canary_pending")
	sets.requireTraffic(t, sets.green, "v2")
	s.asks(t, history, "/canary/reject")
	s.awaitStatus(t, history, "canary_reject")
	sets.requireTraffic(t, sets.blue, "v1")

	history = s.run(t, switched, "")
	s.awaitStatus(t, history, "canary_pending")
	s.asks(t, history, "/canary/accept")
	s.awaitStatus(t, history, "success")
	sets.requireTraffic(t, sets.green, "v2")
	requireShown(history, switched, "switched", "blueGreen")
	requireEvents(t, s.standalone)
}

func TestSourceDeployRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	stages := fmt.Sprintf("/project/%d/stage", s.project)
	for kind, config := range map[string]map[string]any{
		"KubernetesService": {"clusterNo": 7}, "ObjectStorage": {"bucketName": "releases"},
	} {
		why := s.refuses(t, "POST", stages, map[string]any{"name": "other", "type": kind, "config": config}, 400, "100")
		require.Contains(t, why, "type: "+kind+" is not supported")
	}
	scenarios := fmt.Sprintf("%s/%d/scenario", stages, s.stage)
	for config, why := range map[string]string{
		`{"strategy":"canary","manifest":{"type":"SourceCommit"},"canaryConfig":{}}`: "KubernetesService is not supported",
		`{"file":{"type":"SourceBuild"},"path":[{"sourcePath":"/"}]}`:                "ObjectStorage is not supported",
		`{"strategy":"normal","file":{"type":"later"},"rollback":false}`:             "a scenario is a template of Slipway",
	} {
		body := map[string]any{"name": "other", "config": json.RawMessage(config)}
		require.Contains(t, s.refuses(t, "POST", scenarios, body, 400, "100"), why)
	}
	require.JSONEq(t, `{"result":{"scenarioList":[]}}`, string(s.call(t, "GET", scenarios, nil, 200)), "and nothing was made")

	for body, why := range map[string]string{
		`{}`: "name: is required; type: is required",
		`{"name":"x","type":"Server","config":{"serverNo":[4711,"one"]}}`:                             "config.serverNo: nothing has the number 4711; config.serverNo: must be a whole number",
		`{"name":"x","type":"AutoScalingGroup","config":{"autoScalingGroupNo":4711}}`:                 "config.autoScalingGroupNo: nothing has the number 4711",
		`{"name":"x","type":"Server","config":7}`:                                                     "config: must be an object",
		`{"name":"x","type":"Lambda","config":{}}`:                                                    "type: must be Server or AutoScalingGroup",
		fmt.Sprintf(`{"name":"X","type":"Server","config":{"serverNo":[%d]}}`, s.serverNumbers(t)[0]): "name: must be 1 to 63 lower-case letters",
	} {
		require.Contains(t, s.refuses(t, "POST", stages, json.RawMessage(body), 400, "100"), why)
	}
	for body, why := range map[string]string{
		`{'name': 'other'}`:                     "line 1, column 2: ' begins a string in Python; JSON has double quotes",
		`{"name": None}`:                        "line 1, column 10: None is Python; JSON has null",
		"{\"name\": \"other\", # the second\n}": "line 1, column 19: # begins a comment, and JSON has none",
	} {
		a, err := s.do(request{
			method: "POST", path: sourceDeploy + "/project", body: []byte(body), header: map[string]string{"Content-Type": "application/json"},
		})
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, a.status, a.String())
		require.Contains(t, refused(t, a.body, "100"), why)
	}
	s.refuses(t, "POST", "/project", map[string]any{"name": "web-shop"}, 409, "100")
	for _, page := range []string{"pageNo=0", "pageSize=101", "pageNo=101&pageSize=100", "pageNo=first"} {
		s.refuses(t, "GET", fmt.Sprintf("/project/%d/history?%s", s.project, page), nil, 400, "100")
	}

	// What has no number, or one within something else.
	scenario := s.scenario(t, "nightly", nil)
	other := resultOf[idName](t, s.standalone, "POST", "/project", map[string]any{"name": "other"})
	history := s.run(t, scenario, "")
	s.awaitStatus(t, history, "success")
	for _, path := range []string{
		"/project/4711/stage", "/project/web-shop/stage", fmt.Sprintf("/project/%d/stage/4711/scenario", s.project),
		fmt.Sprintf("/project/%d/stage/%d/scenario", other.ID, s.stage),
		fmt.Sprintf("/project/%d/history/4711", s.project), fmt.Sprintf("/project/%d/history/%d", other.ID, history),
		"/project/-1/history", "/project/99999999999999999999/history",
	} {
		s.refuses(t, "GET", path, nil, 404, "300")
	}
	for _, path := range []string{
		fmt.Sprintf("%s/4711/deploy", scenarios), fmt.Sprintf("/project/%d/stage/%d/scenario/%d/deploy", other.ID, s.stage, scenario),
		fmt.Sprintf("/project/%d/history/%d/cancel", other.ID, history),
	} {
		s.refuses(t, "POST", path, nil, 404, "300")
	}

	s.whoMay(t, scenario, history)
}

// whoMay looks at who may do what.
func (s *shop) whoMay(t *testing.T, scenario, history uint64) {
	t.Helper()
	deploy := fmt.Sprintf("/project/%d/stage/%d/scenario/%d/deploy", s.project, s.stage, scenario)
	for _, nobody := range []string{"", "slw_nobody"} {
		require.Contains(t, refused(t, s.basic(t, nobody, "GET", "/project", 401), "200"), "unauthorized") //nolint:misspell // as HTTP spells it
	}
	viewer, deployer, stranger := s.as(t, "viewer"), s.as(t, "deployer", "web-shop"), s.as(t, "administrator", "another")
	viewer(t, "GET", s.path(history), 200)
	for _, path := range []string{deploy, deploy + "/request", s.path(history) + "/cancel", s.path(history) + "/canary/accept", s.path(history) + "/approval/accept"} {
		require.Contains(t, refused(t, viewer(t, "POST", path, 403), "210"), "forbidden")
		stranger(t, "POST", path, 404)
	}
	require.JSONEq(t, `{"result":{"projectList":[]}}`, string(stranger(t, "GET", "/project", 200)))
	stranger(t, "GET", s.path(history), 404)
	asked := s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	require.Contains(t, refused(t, deployer(t, "POST", s.path(asked)+"/approval/accept", 403), "210"), "deployments.approve")
	require.JSONEq(t, `{"result":{"result":true}}`, string(deployer(t, "POST", s.path(asked)+"/approval/reject", 200)))
	s.awaitStatus(t, asked, "reject")
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
