package api

import (
	"net/http"
	"slices"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
)

// anyMethod stands for every method.
const anyMethod = ""

// public needs no credential.
const public access.Permission = ""

// wait says what a request has to wait for at most; Limits says how long.
type wait int

const (
	forBroker  wait = iota
	forKeys         // a private key that is encrypted takes its time to open
	forHistory      // or a scheduler
	forServers
	forUpload
	forImport  // many servers are changed
	forBatch   // many deployments are accepted
	forDialect // what is asked for comes to its end
	forEver    // the client stays as long as it likes
)

// content says what the body of a request is.
type content int

const (
	noBody content = iota
	jsonBody
	jsonOrNone
	patchBody  // JSON, also as a merge patch
	uploadBody // bytes that are read as they come, or JSON
	anyBody    // of a dialect, which reads it
)

// route is one operation of openapi.yaml.
type route struct {
	method, path string
	needs        access.Permission
	body         content
	wait         wait
	handle       func(*API, *call) (answer, error)
}

// probes are the routes for those who look whether a gateway lives: balancers and monitors ask by
// any of the three methods, and go by the status.
var probes = []route{
	{http.MethodGet, "/healthz", public, noBody, forBroker, (*API).health},
	{http.MethodHead, "/healthz", public, noBody, forBroker, (*API).health},
	{http.MethodOptions, "/healthz", public, noBody, forBroker, (*API).health},
	{http.MethodGet, "/readyz", public, noBody, forBroker, (*API).readiness},
	{http.MethodHead, "/readyz", public, noBody, forBroker, (*API).readiness},
	{http.MethodOptions, "/readyz", public, noBody, forBroker, (*API).readiness},
}

// probes says whether the route is for those who look whether a gateway lives.
func (r route) probes() bool { return r.path == "/healthz" || r.path == "/readyz" }

// creation is the route that each deployment of a batch takes, too.
var creation = route{http.MethodPost, "/v1/deployments", access.DeploymentsCreate, jsonBody, forHistory, (*API).createDeployment}

// routes is everything there is, and what each needs: who has that is the table of
// package access. A POST may carry an Idempotency-Key.
var routes = slices.Concat(probes, []route{
	{http.MethodGet, "/reference", public, noBody, forBroker, (*API).showReference},
	{http.MethodHead, "/reference", public, noBody, forBroker, (*API).showReference},
	{http.MethodGet, "/openapi.yaml", public, noBody, forBroker, (*API).showSpecification},
	{http.MethodHead, "/openapi.yaml", public, noBody, forBroker, (*API).showSpecification},
	{http.MethodGet, "/v1/whoami", access.SelfRead, noBody, forBroker, (*API).whoami},

	{http.MethodPost, "/v1/servers", access.ServersWrite, jsonBody, forKeys, (*API).createServer},
	{http.MethodGet, "/v1/servers", access.ServersRead, noBody, forBroker, (*API).listServers},
	{http.MethodGet, "/v1/servers/:id", access.ServersRead, noBody, forBroker, (*API).getServer},
	{http.MethodPatch, "/v1/servers/:id", access.ServersWrite, patchBody, forKeys, (*API).changeServer},
	{http.MethodDelete, "/v1/servers/:id", access.ServersWrite, noBody, forBroker, (*API).deleteServer},

	{http.MethodPost, "/v1/servers/import", access.ServersWrite, jsonBody, forImport, (*API).importServers},
	{http.MethodPost, "/v1/known-hosts", access.ServersWrite, jsonBody, forImport, (*API).importKnownHosts},

	{http.MethodPost, "/v1/groups", access.ServersWrite, jsonBody, forBroker, createItem(projects.Group)},
	{http.MethodGet, "/v1/groups", access.ServersRead, noBody, forBroker, listItems(projects.Group)},
	{http.MethodGet, "/v1/groups/:group", access.ServersRead, noBody, forBroker, getItem(projects.Group)},
	{http.MethodPatch, "/v1/groups/:group", access.ServersWrite, patchBody, forBroker, changeItem(projects.Group)},
	{http.MethodDelete, "/v1/groups/:group", access.ServersWrite, noBody, forBroker, deleteItem(projects.Group)},

	{http.MethodPost, "/v1/projects", access.ProjectsWrite, jsonBody, forBroker, createItem(projects.Project)},
	{http.MethodGet, "/v1/projects", access.ProjectsRead, noBody, forBroker, listItems(projects.Project)},
	{http.MethodGet, "/v1/projects/:project", access.ProjectsRead, noBody, forBroker, getItem(projects.Project)},
	{http.MethodPatch, "/v1/projects/:project", access.ProjectsWrite, patchBody, forBroker, changeItem(projects.Project)},
	{http.MethodDelete, "/v1/projects/:project", access.ProjectsWrite, noBody, forBroker, deleteItem(projects.Project)},

	{http.MethodPost, "/v1/projects/:project/applications", access.ProjectsWrite, jsonBody, forBroker, createItem(projects.Application)},
	{http.MethodPost, "/v1/projects/:project/applications/import", access.ProjectsWrite, jsonBody, forBroker, (*API).importApplications},
	{http.MethodGet, "/v1/projects/:project/applications", access.ProjectsRead, noBody, forBroker, listItems(projects.Application)},
	{http.MethodGet, "/v1/projects/:project/applications/:application", access.ProjectsRead, noBody, forBroker, getItem(projects.Application)},
	{http.MethodPatch, "/v1/projects/:project/applications/:application", access.ProjectsWrite, patchBody, forBroker, changeItem(projects.Application)},
	{http.MethodDelete, "/v1/projects/:project/applications/:application", access.ProjectsWrite, noBody, forBroker, deleteItem(projects.Application)},

	{http.MethodPost, "/v1/projects/:project/stages", access.ProjectsWrite, jsonBody, forBroker, createItem(projects.Stage)},
	{http.MethodGet, "/v1/projects/:project/stages", access.ProjectsRead, noBody, forBroker, listItems(projects.Stage)},
	{http.MethodGet, "/v1/projects/:project/stages/:stage", access.ProjectsRead, noBody, forBroker, getItem(projects.Stage)},
	{http.MethodPatch, "/v1/projects/:project/stages/:stage", access.ProjectsWrite, patchBody, forBroker, changeItem(projects.Stage)},
	{http.MethodDelete, "/v1/projects/:project/stages/:stage", access.ProjectsWrite, noBody, forBroker, deleteItem(projects.Stage)},

	{http.MethodPost, "/v1/projects/:project/templates", access.ProjectsWrite, jsonBody, forBroker, createItem(projects.Template)},
	{http.MethodGet, "/v1/projects/:project/templates", access.ProjectsRead, noBody, forBroker, listItems(projects.Template)},
	{http.MethodGet, "/v1/projects/:project/templates/:template", access.ProjectsRead, noBody, forBroker, getItem(projects.Template)},
	{http.MethodPatch, "/v1/projects/:project/templates/:template", access.ProjectsWrite, patchBody, forBroker, changeItem(projects.Template)},
	{http.MethodDelete, "/v1/projects/:project/templates/:template", access.ProjectsWrite, noBody, forBroker, deleteItem(projects.Template)},

	{http.MethodPost, "/v1/packages", access.PackagesWrite, uploadBody, forUpload, (*API).createPackage},
	{http.MethodGet, "/v1/packages", access.PackagesRead, noBody, forBroker, (*API).listPackages},
	{http.MethodGet, "/v1/packages/:id", access.PackagesRead, noBody, forBroker, (*API).getPackage},
	{http.MethodDelete, "/v1/packages/:id", access.PackagesDelete, noBody, forBroker, (*API).deletePackage},

	creation,
	{http.MethodPost, "/v1/deployments/batch", access.DeploymentsCreate, jsonBody, forBatch, (*API).createBatch},
	{http.MethodGet, "/v1/deployments", access.DeploymentsRead, noBody, forHistory, (*API).listDeployments},
	{http.MethodGet, "/v1/deployments/:id", access.DeploymentsRead, noBody, forHistory, (*API).getDeployment},
	{http.MethodGet, "/v1/deployments/:id/targets", access.DeploymentsRead, noBody, forHistory, (*API).listTargets},
	{http.MethodGet, "/v1/deployments/:id/logs", access.DeploymentsRead, noBody, forEver, (*API).listOutput},
	{http.MethodGet, "/v1/deployments/:id/events", access.DeploymentsRead, noBody, forEver, (*API).watchDeployment},
	{http.MethodPost, "/v1/deployments/:id/rollback", access.DeploymentsCreate, jsonOrNone, forHistory, (*API).rollBack},
	{http.MethodPost, "/v1/deployments/:id/retry", access.DeploymentsCreate, jsonOrNone, forHistory, (*API).retry},
	{http.MethodPost, "/v1/deployments/:id/cancel", access.DeploymentsControl, jsonOrNone, forHistory, control(deploy.Cancel)},
	{http.MethodPost, "/v1/deployments/:id/pause", access.DeploymentsControl, jsonOrNone, forHistory, control(deploy.PauseIt)},
	{http.MethodPost, "/v1/deployments/:id/resume", access.DeploymentsControl, jsonOrNone, forHistory, control(deploy.Resume)},
	{http.MethodPost, "/v1/deployments/:id/promote", access.DeploymentsControl, jsonOrNone, forHistory, control(deploy.Promote)},
	{http.MethodPost, "/v1/deployments/:id/reject", access.DeploymentsReject, jsonOrNone, forHistory, control(deploy.Reject)},
	{http.MethodPost, "/v1/deployments/:id/approve", access.DeploymentsApprove, jsonBody, forHistory, control(deploy.Approve)},
	{http.MethodPost, "/v1/deployments/:id/skip", access.DeploymentsControl, jsonBody, forHistory, (*API).skip},

	{http.MethodGet, "/v1/events", access.DeploymentsRead, noBody, forEver, (*API).watchAll},

	{http.MethodPost, "/v1/applications/:application/init", access.DeploymentsCreate, jsonBody, forHistory, (*API).initialise},

	{http.MethodGet, "/v1/running", access.HistoryRead, noBody, forHistory, (*API).listRunning},
	{http.MethodGet, "/v1/statistics", access.HistoryRead, noBody, forHistory, (*API).getStatistics},
	{http.MethodGet, "/v1/history", access.HistoryRead, noBody, forHistory, (*API).getHistory},

	{http.MethodGet, "/v1/locks", access.LocksRead, noBody, forHistory, (*API).listLocks},
	{http.MethodDelete, "/v1/locks/:server", access.LocksBreak, noBody, forHistory, (*API).breakLock},

	{http.MethodPost, "/v1/webhooks", access.WebhooksWrite, jsonBody, forBroker, (*API).createWebhook},
	{http.MethodGet, "/v1/webhooks", access.WebhooksRead, noBody, forBroker, (*API).listWebhooks},
	{http.MethodGet, "/v1/webhooks/:id", access.WebhooksRead, noBody, forBroker, (*API).getWebhook},
	{http.MethodPatch, "/v1/webhooks/:id", access.WebhooksWrite, patchBody, forBroker, (*API).changeWebhook},
	{http.MethodDelete, "/v1/webhooks/:id", access.WebhooksWrite, noBody, forBroker, (*API).deleteWebhook},
	{http.MethodPost, "/v1/webhooks/:id/pause", access.WebhooksWrite, jsonOrNone, forBroker, (*API).pauseWebhook},
	{http.MethodPost, "/v1/webhooks/:id/resume", access.WebhooksWrite, noBody, forBroker, (*API).resumeWebhook},
	{http.MethodPost, "/v1/webhooks/:id/test", access.WebhooksWrite, noBody, forBroker, (*API).testWebhook},
	{http.MethodPost, "/v1/webhooks/:id/rotate", access.WebhooksWrite, jsonOrNone, forBroker, (*API).rotateWebhook},
	{http.MethodGet, "/v1/webhooks/:id/deliveries", access.WebhooksRead, noBody, forBroker, (*API).listDeliveries},
	{http.MethodGet, "/v1/webhooks/:id/deliveries/:delivery", access.WebhooksRead, noBody, forBroker, (*API).getDelivery},
	{http.MethodPost, "/v1/webhooks/:id/deliveries/:delivery/replay", access.WebhooksWrite, noBody, forBroker, (*API).replayDelivery},

	{http.MethodGet, "/v1/health", access.ServicesRead, noBody, forHistory, (*API).showHealth},
	{http.MethodGet, "/v1/services", access.ServicesRead, noBody, forBroker, (*API).listServices},
	{http.MethodGet, "/v1/services/:service", access.ServicesRead, noBody, forBroker, (*API).getService},
	{http.MethodGet, "/v1/services/:service/:replica", access.ServicesRead, noBody, forBroker, (*API).getReplica},
	{http.MethodGet, "/v1/service-events", access.ServicesRead, noBody, forBroker, (*API).listServiceEvents},

	{http.MethodGet, "/v1/audit", access.AuditRead, noBody, forHistory, (*API).listAudit},

	{http.MethodPost, "/v1/tokens", access.TokensWrite, jsonBody, forBroker, (*API).createToken},
	{http.MethodGet, "/v1/tokens", access.TokensRead, noBody, forBroker, (*API).listTokens},
	{http.MethodGet, "/v1/tokens/:id", access.TokensRead, noBody, forBroker, (*API).getToken},
	{http.MethodDelete, "/v1/tokens/:id", access.TokensWrite, noBody, forBroker, (*API).revokeToken},

	{http.MethodGet, "/v1/releases", access.ReleasesRead, noBody, forServers, (*API).listReleases},
	{http.MethodGet, "/v1/logs", access.LogsRead, noBody, forServers, (*API).tailLogs},
})
