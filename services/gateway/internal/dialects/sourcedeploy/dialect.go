package sourcedeploy

import (
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const (
	project  = "/project/:project"
	stage    = project + "/stage/:stage"
	scenario = stage + "/scenario/:scenario"
	history  = project + "/history/:history"
)

// Dialect is how clients of the service speak.
var Dialect = dialects.Dialect{
	Name: "sourcedeploy",
	Routes: []dialects.Route{
		{Method: http.MethodGet, Path: "/server", Needs: access.ServersRead, Action: "sourcedeploy.servers", Handle: listServers},
		{Method: http.MethodGet, Path: "/autoscaling", Needs: access.ServersRead, Action: "sourcedeploy.groups", Handle: listGroups},
		{Method: http.MethodGet, Path: "/project", Needs: access.ProjectsRead, Action: "sourcedeploy.projects", Handle: listProjects},
		{Method: http.MethodPost, Path: "/project", Needs: access.ProjectsWrite, Action: "sourcedeploy.create_project", Handle: createProject},
		{Method: http.MethodGet, Path: project + "/stage", Needs: access.ProjectsRead, Action: "sourcedeploy.stages", Handle: listStages},
		{Method: http.MethodPost, Path: project + "/stage", Needs: access.ProjectsWrite, Action: "sourcedeploy.create_stage", Handle: createStage},
		{Method: http.MethodGet, Path: stage + "/scenario", Needs: access.ProjectsRead, Action: "sourcedeploy.scenarios", Handle: listScenarios},
		{Method: http.MethodPost, Path: stage + "/scenario", Needs: access.ProjectsWrite, Action: "sourcedeploy.create_scenario", Handle: refuseScenario},
		{Method: http.MethodPost, Path: scenario + "/deploy", Needs: access.DeploymentsCreate, Action: "sourcedeploy.deploy", Handle: deployNow},
		{Method: http.MethodPost, Path: scenario + "/deploy/request", Needs: access.DeploymentsCreate, Action: "sourcedeploy.request", Handle: request},
		{Method: http.MethodGet, Path: project + "/history", Needs: access.DeploymentsRead, Action: "sourcedeploy.history", Handle: listHistory},
		{Method: http.MethodGet, Path: history, Needs: access.DeploymentsRead, Action: "sourcedeploy.detail", Handle: showHistory},
		{Method: http.MethodPost, Path: history + "/cancel", Needs: access.DeploymentsControl, Action: "sourcedeploy.cancel", Handle: control(deploy.Cancel)},
		{Method: http.MethodPost, Path: history + "/approval/accept", Needs: access.DeploymentsApprove, Action: "sourcedeploy.approve", Handle: approval(deploy.Approve)},
		{Method: http.MethodPost, Path: history + "/approval/reject", Needs: access.DeploymentsReject, Action: "sourcedeploy.disapprove", Handle: approval(deploy.Reject)},
		{Method: http.MethodPost, Path: history + "/canary/accept", Needs: access.DeploymentsControl, Action: "sourcedeploy.promote", Handle: canary(deploy.Promote)},
		{Method: http.MethodPost, Path: history + "/canary/reject", Needs: access.DeploymentsReject, Action: "sourcedeploy.reject", Handle: canary(deploy.Reject)},
	},
	Refuse:     refuse,
	Credential: dialects.Credential,
}

// result is the body of every answer but one.
type result struct {
	Result any `json:"result"`
}

func answer(body any) (dialects.Reply, error) {
	return dialects.Reply{Status: http.StatusOK, Body: result{body}}, nil
}

// done says that what was asked for is done, or under way.
func done() (dialects.Reply, error) { return answer(result{true}) }

// fault is the body where a request is refused.
type fault struct {
	Error struct {
		Code    string `json:"errorCode"`
		Message string `json:"message"`
		Details string `json:"details"`
	} `json:"error"`
}

// errorCodes are those of the original's gateway for a status of HTTP, and what it calls
// them.
var errorCodes = map[int]struct{ code, message string }{
	http.StatusBadRequest:            {"100", "Bad Request"},
	http.StatusUnauthorized:          {"200", "Authentication Failed"},
	http.StatusForbidden:             {"210", "Permission Denied"},
	http.StatusNotFound:              {"300", "Not Found"},
	http.StatusMethodNotAllowed:      {"100", "Bad Request"},
	http.StatusConflict:              {"100", "Bad Request"},
	http.StatusGone:                  {"300", "Not Found"}, // it is in the archive
	http.StatusRequestEntityTooLarge: {"430", "Request Entity Too Large"},
	http.StatusUnsupportedMediaType:  {"100", "Bad Request"},
	http.StatusTooManyRequests:       {"420", "Rate Limited"},
	http.StatusServiceUnavailable:    {"500", "Endpoint Error"},
	http.StatusGatewayTimeout:        {"510", "Endpoint Timeout"},
}

// refuse says why a request is not followed.
func refuse(p *dialects.Problem) dialects.Reply {
	status := p.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a difference that clients do not know
	}
	said, known := errorCodes[status]
	if !known {
		said.code, said.message = "900", "Unexpected Error"
	}
	var f fault
	f.Error.Code, f.Error.Message = said.code, said.message
	f.Error.Details = strings.TrimPrefix(p.Code+": "+p.Told(), ": ")
	return dialects.Reply{Status: status, Body: f}
}
