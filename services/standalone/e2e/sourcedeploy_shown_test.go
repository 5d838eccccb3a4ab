package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/haproxytest"
)

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
