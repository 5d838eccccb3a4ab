package platform

import (
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// project is the native one of all deployments of the dialect.
const project = "platform"

// Dialect is how clients of the service speak.
var Dialect = dialects.Dialect{
	Name: "platform",
	Routes: []dialects.Route{
		{Method: http.MethodPost, Path: "/api/deployments", Needs: access.DeploymentsCreate, Action: "platform.create", Handle: create},
		{Method: http.MethodGet, Path: "/api/deployments", Needs: access.DeploymentsRead, Action: "platform.list", Handle: list},
		{Method: http.MethodGet, Path: "/api/deployments/:id", Needs: access.DeploymentsRead, Action: "platform.show", Handle: show},
		{Method: http.MethodGet, Path: "/api/deployments/:id/events", Needs: access.DeploymentsRead, Action: "platform.events", Handle: watch},
		{Method: http.MethodGet, Path: "/api/deployments/:id/ws", Needs: access.DeploymentsRead, Action: "platform.socket", Handle: watch},
		{Method: http.MethodGet, Path: "/api/servers", Needs: access.ServersRead, Action: "platform.servers", Handle: servers},
		{Method: http.MethodGet, Path: "/api/servers/:id", Needs: access.ServersRead, Action: "platform.server", Handle: oneServer},
	},
	Refuse:     refuse,
	Credential: credential,
}

// credential is what clients of every dialect send, or the token of the query where a
// browser can send no header: it opens a WebSocket, or a stream of events.
func credential(r *http.Request) string {
	if secret := dialects.Credential(r); secret != "" {
		return secret
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if strings.HasSuffix(path, "/ws") || strings.HasSuffix(path, "/events") {
		return r.URL.Query().Get("token")
	}
	return ""
}

// refusal is the body of an answer to what is not done.
type refusal struct {
	Error  string            `json:"error"`
	Code   string            `json:"code"`
	Fields map[string]string `json:"fields,omitempty"` // what is wrong with each
}

func refuse(p *dialects.Problem) dialects.Reply {
	body := refusal{Error: p.Detail, Code: p.Code}
	for _, w := range p.Fields {
		if body.Fields == nil {
			body.Fields = map[string]string{}
		}
		if body.Fields[w.Field] == "" {
			body.Fields[w.Field] = w.Message
		}
	}
	status := p.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a difference that clients do not know
	}
	return dialects.Reply{Status: status, Body: body}
}

func ok(body any) dialects.Reply { return dialects.Reply{Status: http.StatusOK, Body: body} }
