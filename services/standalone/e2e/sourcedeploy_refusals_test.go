package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

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
		a := s.answered(t, request{
			method: "POST", path: sourceDeploy + "/project", body: []byte(body), header: map[string]string{"Content-Type": "application/json"},
		})
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
