package api

import (
	"net/http"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// anyMethod stands for every method.
const anyMethod = ""

// permission is what a token must be allowed to do.
type permission string

const (
	public permission = ""      // no token needed
	admin  permission = "admin" // the role admin
)

// wait says what a request has to wait for at most; Limits says how long.
type wait int

const (
	forBroker  wait = iota
	forKeys         // a private key that is encrypted takes its time to open
	forHistory      // or a scheduler
	forServers
	forUpload
	forImport // many servers are changed
)

// content says what the body of a request is.
type content int

const (
	noBody content = iota
	jsonBody
	jsonOrNone
	patchBody  // JSON, also as a merge patch
	uploadBody // bytes that are read as they come, or JSON
)

// route is one operation of openapi.yaml.
type route struct {
	method, path string
	needs        permission
	body         content
	wait         wait
	handle       func(*API, *call) (answer, error)
}

// routes is everything there is. A POST may carry an Idempotency-Key.
var routes = []route{
	{http.MethodGet, "/healthz", public, noBody, forBroker, (*API).health},
	{http.MethodGet, "/readyz", public, noBody, forBroker, (*API).readiness},
	{http.MethodGet, "/v1/whoami", admin, noBody, forBroker, (*API).whoami},

	{http.MethodPost, "/v1/servers", admin, jsonBody, forKeys, (*API).createServer},
	{http.MethodGet, "/v1/servers", admin, noBody, forBroker, (*API).listServers},
	{http.MethodGet, "/v1/servers/:id", admin, noBody, forBroker, (*API).getServer},
	{http.MethodPatch, "/v1/servers/:id", admin, patchBody, forKeys, (*API).changeServer},
	{http.MethodDelete, "/v1/servers/:id", admin, noBody, forBroker, (*API).deleteServer},

	{http.MethodPost, "/v1/known-hosts", admin, jsonBody, forImport, (*API).importKnownHosts},

	{http.MethodPost, "/v1/packages", admin, uploadBody, forUpload, (*API).createPackage},
	{http.MethodGet, "/v1/packages", admin, noBody, forBroker, (*API).listPackages},
	{http.MethodGet, "/v1/packages/:id", admin, noBody, forBroker, (*API).getPackage},
	{http.MethodDelete, "/v1/packages/:id", admin, noBody, forBroker, (*API).deletePackage},

	{http.MethodPost, "/v1/deployments", admin, jsonBody, forHistory, (*API).createDeployment},
	{http.MethodGet, "/v1/deployments", admin, noBody, forHistory, (*API).listDeployments},
	{http.MethodGet, "/v1/deployments/:id", admin, noBody, forHistory, (*API).getDeployment},
	{http.MethodGet, "/v1/deployments/:id/targets", admin, noBody, forHistory, (*API).listTargets},
	{http.MethodPost, "/v1/deployments/:id/rollback", admin, jsonOrNone, forHistory, (*API).rollBack},
	{http.MethodPost, "/v1/deployments/:id/retry", admin, jsonOrNone, forHistory, (*API).retry},
	{http.MethodPost, "/v1/deployments/:id/cancel", admin, jsonOrNone, forHistory, control(deploy.Cancel)},
	{http.MethodPost, "/v1/deployments/:id/pause", admin, jsonOrNone, forHistory, control(deploy.PauseIt)},
	{http.MethodPost, "/v1/deployments/:id/resume", admin, jsonOrNone, forHistory, control(deploy.Resume)},
	{http.MethodPost, "/v1/deployments/:id/promote", admin, jsonOrNone, forHistory, control(deploy.Promote)},
	{http.MethodPost, "/v1/deployments/:id/reject", admin, jsonOrNone, forHistory, control(deploy.Reject)},
	{http.MethodPost, "/v1/deployments/:id/approve", admin, jsonBody, forHistory, control(deploy.Approve)},
	{http.MethodPost, "/v1/deployments/:id/skip", admin, jsonBody, forHistory, (*API).skip},

	{http.MethodGet, "/v1/locks", admin, noBody, forHistory, (*API).listLocks},
	{http.MethodDelete, "/v1/locks/:server", admin, noBody, forHistory, (*API).breakLock},

	{http.MethodGet, "/v1/releases", admin, noBody, forServers, (*API).listReleases},
	{http.MethodGet, "/v1/logs", admin, noBody, forServers, (*API).tailLogs},
}
