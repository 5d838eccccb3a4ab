package sync

import (
	"context"
	"net/http"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// Dialect is how clients of the service speak.
var Dialect = dialects.Dialect{
	Name: "sync",
	Routes: []dialects.Route{
		{Method: http.MethodPost, Path: "/deploy", Needs: access.DeploymentsCreate, Action: "sync.deploy", Handle: deploy},
		{Method: http.MethodPost, Path: "/rollback", Needs: access.DeploymentsCreate, Action: "sync.rollback", Handle: rollBack},
		{Method: http.MethodPost, Path: "/init_deploy", Needs: access.DeploymentsCreate, Action: "sync.init", Handle: initialise},
		{Method: http.MethodGet, Path: "/get_current_version", Needs: access.ReleasesRead, Action: "sync.version", Handle: currentVersion},
		{Method: http.MethodGet, Path: "/get_latest_log", Needs: access.LogsRead, Action: "sync.logs", Handle: latestLog},
	},
	Refuse:     refuse,
	Credential: dialects.Credential,
}

// The verdicts, as status_code says them.
const (
	good = 200
	bad  = 501
)

// verdict is the body of every answer.
type verdict struct {
	StatusCode int `json:"status_code"`
	Data       any `json:"data"`
}

// sorted is what could and could not be read, by server.
type sorted struct {
	Succeed map[string]string `json:"succeed"`
	Failed  map[string]string `json:"failed"`
}

// read answers with what was read from servers. That some of them could not be read is no
// failure of the request.
func (s sorted) read() dialects.Reply {
	return dialects.Reply{Status: http.StatusOK, Body: verdict{good, s}}
}

// done answers with the message, unless something failed. What was done is told of by native
// operations; where there were none, nothing was.
func done(failed map[string]string, message string) dialects.Reply {
	if len(failed) > 0 {
		return dialects.Reply{Status: http.StatusOK, Body: verdict{bad, failed}, Undone: dialects.Invalid()}
	}
	return dialects.Reply{Status: http.StatusOK, Body: verdict{good, message}}
}

// refuse says why a request is not followed at all: by field where that is known, else by
// the code of the problem.
func refuse(p *dialects.Problem) dialects.Reply {
	why := map[string]string{}
	for _, w := range p.Fields {
		why[w.Field] = wordOf(w)
	}
	if len(why) == 0 {
		why[p.Code] = p.Detail
	}
	status := p.Status
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest // a difference that clients do not know
	}
	return dialects.Reply{Status: status, Body: verdict{bad, why}}
}

// on finds the servers of a request. Those that cannot be found have failed.
func on(ctx context.Context, r *dialects.Request, names []string) (dialects.Hosts, map[string]string, error) {
	failed := map[string]string{}
	hosts, err := dialects.Find(ctx, r, names)
	for _, name := range hosts.Unknown {
		failed[name] = unknownServer
	}
	for _, name := range hosts.Ambiguous {
		failed[name] = ambiguousServer
	}
	return hosts, failed, err
}
