package modes

import (
	"context"
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// Name is what the dialect is called.
const Name = "modes"

// apiVersion is that of the original's interface.
const apiVersion = "1.0.0"

// Paths. Those in answers begin at the base path of the dialect.
const (
	collection = "/api/deployments"
	one        = collection + "/:id"
	services   = "/api/services"
)

// Dialect is how clients of the service speak, of what the configuration names. Whoever
// changes something must be an administrator of the project, as in the original.
func Dialect(c Config) dialects.Dialect {
	admin, read := access.ProjectsWrite, access.DeploymentsRead
	routes := []dialects.Route{
		{Method: http.MethodGet, Path: "/api/deployment/health", Needs: access.ServicesRead, Action: "modes.health", Handle: c.health},
		{Method: http.MethodPost, Path: collection, Needs: admin, Within: c.Project, Action: "modes.start", Handle: c.on(c.start)},
		{Method: http.MethodGet, Path: collection, Needs: read, Within: c.Project, Action: "modes.list", Handle: c.on(c.list)},
		{Method: http.MethodGet, Path: one, Needs: read, Within: c.Project, Action: "modes.status", AtRoot: true, Handle: c.on(c.status)},
		{Method: http.MethodGet, Path: one + "/progress", Needs: read, Within: c.Project, Action: "modes.progress", AtRoot: true, Handle: c.on(c.progress)},
		{Method: http.MethodGet, Path: one + "/logs", Needs: read, Within: c.Project, Action: "modes.logs", AtRoot: true, Handle: c.on(c.logs)},
		{Method: http.MethodPost, Path: one + "/cancel", Needs: admin, Within: c.Project, Action: "modes.cancel", Handle: c.on(c.cancel)},
		{Method: http.MethodPost, Path: one + "/restart", Needs: admin, Within: c.Project, Action: "modes.restart", Handle: c.on(c.restart)},
		{Method: http.MethodGet, Path: services, Needs: access.ServicesRead, Action: "modes.services", Handle: listServices},
		{Method: http.MethodGet, Path: services + "/discover", Needs: access.ServicesRead, Action: "modes.discover", Handle: discover},
		{Method: http.MethodGet, Path: services + "/:name", Needs: access.ServicesRead, Action: "modes.service", Handle: showService},
		{Method: http.MethodGet, Path: services + "/:name/health", Needs: access.ServicesRead, Action: "modes.service_health", Handle: checkService},
		{Method: http.MethodGet, Path: services + "/:name/events", Needs: access.ServicesRead, Action: "modes.service_events", Handle: serviceEvents},
	}
	return dialects.Dialect{Name: Name, Routes: routes, JSONAlone: true, Refuse: refuse, Credential: dialects.Credential}
}

// on refuses requests where the dialect does not know what to deploy.
func (c Config) on(h func(context.Context, *dialects.Request) (dialects.Reply, error)) func(context.Context, *dialects.Request) (dialects.Reply, error) {
	if c.Project != "" {
		return h
	}
	return func(context.Context, *dialects.Request) (dialects.Reply, error) {
		return dialects.Reply{}, dialects.Off("未設定 modes.project 和 modes.application")
	}
}

func ok(body any) (dialects.Reply, error) {
	return dialects.Reply{Status: http.StatusOK, Body: body}, nil
}

// failure is the body where a request is not followed. Error is the class of the
// original's exception.
type failure struct {
	Error   string            `json:"error"`
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Details map[string]string `json:"details,omitempty"` // by field
}

// refuse says why a request is not followed.
func refuse(p *dialects.Problem) dialects.Reply {
	f := failure{Error: "DeploymentError", Code: p.Code, Message: "部署失敗: " + p.Detail}
	switch {
	case p.Status == http.StatusUnauthorized:
		f.Error, f.Message = "PermissionError", "未授權: "+p.Detail
	case p.Status == http.StatusForbidden:
		f.Error, f.Message = "PermissionError", "用戶沒有部署權限: "+p.Detail
	case p.Code == "too_many_deployments":
		f.Message = "已達到最大併發限制，請稍後再試: " + p.Detail
	case p.Status >= http.StatusInternalServerError, p.Code == dialects.CodeOff:
		f.Error, f.Message = "EnvironmentError", "環境問題: "+p.Detail
	}
	var wrong []string
	for _, w := range p.Fields {
		if f.Details == nil {
			f.Details = map[string]string{}
		}
		if _, told := f.Details[w.Field]; !told {
			f.Details[w.Field] = w.Message
			wrong = append(wrong, w.Field+": "+w.Message)
		}
	}
	if len(wrong) > 0 {
		f.Message = "部署失敗: " + strings.Join(wrong, "; ")
	}
	status := p.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a difference that clients do not know
	}
	return dialects.Reply{Status: status, Body: f}
}
