package api

import "net/http"

// action is what a route does, as the audit log names it. Names are for all time: people have noted them.
type action struct {
	name  string
	kind  string // of what it is about
	id    string // parameter of the path that names that; "": what it makes
	in    string // parameter of the path that names what that is in; "": nothing
	makes bool   // something that gets an id
	waits bool   // the handler itself waits for the record, beside other things that it has to wait for

	translated bool // native operations do it, of which each is recorded
}

// actions is what each route does that needs a caller. What changes something is recorded, the others where they are
// refused for who asks.
var actions = map[string]action{
	"GET /v1/whoami": {name: "whoami.read"},

	"POST /v1/servers":        {name: "servers.create", kind: "server", makes: true},
	"GET /v1/servers":         {name: "servers.list", kind: "server"},
	"GET /v1/servers/:id":     {name: "servers.read", kind: "server", id: "id"},
	"PATCH /v1/servers/:id":   {name: "servers.change", kind: "server", id: "id"},
	"DELETE /v1/servers/:id":  {name: "servers.delete", kind: "server", id: "id"},
	"POST /v1/servers/import": {name: "servers.import", kind: "server"},
	"POST /v1/known-hosts":    {name: "servers.import_keys", kind: "server"},

	"POST /v1/groups":          {name: "groups.create", kind: "group", makes: true},
	"GET /v1/groups":           {name: "groups.list", kind: "group"},
	"GET /v1/groups/:group":    {name: "groups.read", kind: "group", id: "group"},
	"PATCH /v1/groups/:group":  {name: "groups.change", kind: "group", id: "group"},
	"DELETE /v1/groups/:group": {name: "groups.delete", kind: "group", id: "group"},

	"POST /v1/projects":            {name: "projects.create", kind: "project", makes: true},
	"GET /v1/projects":             {name: "projects.list", kind: "project"},
	"GET /v1/projects/:project":    {name: "projects.read", kind: "project", id: "project"},
	"PATCH /v1/projects/:project":  {name: "projects.change", kind: "project", id: "project"},
	"DELETE /v1/projects/:project": {name: "projects.delete", kind: "project", id: "project"},

	"POST /v1/projects/:project/applications":                {name: "applications.create", kind: "application", in: "project", makes: true},
	"POST /v1/projects/:project/applications/import":         {name: "applications.import", kind: "application", in: "project"},
	"GET /v1/projects/:project/applications":                 {name: "applications.list", kind: "application"},
	"GET /v1/projects/:project/applications/:application":    {name: "applications.read", kind: "application", id: "application", in: "project"},
	"PATCH /v1/projects/:project/applications/:application":  {name: "applications.change", kind: "application", id: "application", in: "project"},
	"DELETE /v1/projects/:project/applications/:application": {name: "applications.delete", kind: "application", id: "application", in: "project"},

	"POST /v1/projects/:project/stages":          {name: "stages.create", kind: "stage", in: "project", makes: true},
	"GET /v1/projects/:project/stages":           {name: "stages.list", kind: "stage"},
	"GET /v1/projects/:project/stages/:stage":    {name: "stages.read", kind: "stage", id: "stage", in: "project"},
	"PATCH /v1/projects/:project/stages/:stage":  {name: "stages.change", kind: "stage", id: "stage", in: "project"},
	"DELETE /v1/projects/:project/stages/:stage": {name: "stages.delete", kind: "stage", id: "stage", in: "project"},

	"POST /v1/projects/:project/templates":             {name: "templates.create", kind: "template", in: "project", makes: true},
	"GET /v1/projects/:project/templates":              {name: "templates.list", kind: "template"},
	"GET /v1/projects/:project/templates/:template":    {name: "templates.read", kind: "template", id: "template", in: "project"},
	"PATCH /v1/projects/:project/templates/:template":  {name: "templates.change", kind: "template", id: "template", in: "project"},
	"DELETE /v1/projects/:project/templates/:template": {name: "templates.delete", kind: "template", id: "template", in: "project"},

	"POST /v1/packages":       {name: "packages.create", kind: "package", makes: true},
	"GET /v1/packages":        {name: "packages.list", kind: "package"},
	"GET /v1/packages/:id":    {name: "packages.read", kind: "package", id: "id"},
	"DELETE /v1/packages/:id": {name: "packages.delete", kind: "package", id: "id"},

	"POST /v1/deployments":              {name: "deployments.create", kind: "deployment", makes: true, waits: true},
	"POST /v1/deployments/batch":        {name: "deployments.batch", translated: true},
	"GET /v1/deployments":               {name: "deployments.list", kind: "deployment"},
	"GET /v1/deployments/:id":           {name: "deployments.read", kind: "deployment", id: "id"},
	"GET /v1/deployments/:id/targets":   {name: "deployments.targets", kind: "deployment", id: "id"},
	"GET /v1/deployments/:id/logs":      {name: "deployments.output", kind: "deployment", id: "id"},
	"GET /v1/deployments/:id/events":    {name: "deployments.watch", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/rollback": {name: "deployments.rollback", kind: "deployment", id: "id", makes: true, waits: true},
	"POST /v1/deployments/:id/retry":    {name: "deployments.retry", kind: "deployment", id: "id", makes: true, waits: true},
	"POST /v1/deployments/:id/cancel":   {name: "deployments.cancel", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/pause":    {name: "deployments.pause", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/resume":   {name: "deployments.resume", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/promote":  {name: "deployments.promote", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/reject":   {name: "deployments.reject", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/approve":  {name: "deployments.approve", kind: "deployment", id: "id"},
	"POST /v1/deployments/:id/skip":     {name: "deployments.skip", kind: "deployment", id: "id"},
	"GET /v1/events":                    {name: "events.watch", kind: "deployment"},
	"GET /v1/running":                   {name: "running.read", kind: "deployment"},
	"GET /v1/statistics":                {name: "statistics.read", kind: "deployment"},
	"GET /v1/history":                   {name: "history.read", kind: "deployment"},

	"POST /v1/applications/:application/init": {name: "applications.init", kind: "application", id: "application", makes: true, waits: true},

	"GET /v1/locks":            {name: "locks.list", kind: "server"},
	"DELETE /v1/locks/:server": {name: "locks.break", kind: "server", id: "server"},

	"POST /v1/webhooks":                                 {name: "webhooks.create", kind: "webhook", makes: true},
	"GET /v1/webhooks":                                  {name: "webhooks.list", kind: "webhook"},
	"GET /v1/webhooks/:id":                              {name: "webhooks.read", kind: "webhook", id: "id"},
	"PATCH /v1/webhooks/:id":                            {name: "webhooks.change", kind: "webhook", id: "id"},
	"DELETE /v1/webhooks/:id":                           {name: "webhooks.delete", kind: "webhook", id: "id"},
	"POST /v1/webhooks/:id/pause":                       {name: "webhooks.pause", kind: "webhook", id: "id"},
	"POST /v1/webhooks/:id/resume":                      {name: "webhooks.resume", kind: "webhook", id: "id"},
	"POST /v1/webhooks/:id/test":                        {name: "webhooks.test", kind: "webhook", id: "id"},
	"POST /v1/webhooks/:id/rotate":                      {name: "webhooks.rotate", kind: "webhook", id: "id"},
	"GET /v1/webhooks/:id/deliveries":                   {name: "deliveries.list", kind: "webhook", id: "id"},
	"GET /v1/webhooks/:id/deliveries/:delivery":         {name: "deliveries.read", kind: "delivery", id: "delivery"},
	"POST /v1/webhooks/:id/deliveries/:delivery/replay": {name: "deliveries.replay", kind: "delivery", id: "delivery"},

	"POST /v1/tokens":       {name: "tokens.create", kind: "token", makes: true},
	"GET /v1/tokens":        {name: "tokens.list", kind: "token"},
	"GET /v1/tokens/:id":    {name: "tokens.read", kind: "token", id: "id"},
	"DELETE /v1/tokens/:id": {name: "tokens.revoke", kind: "token", id: "id"},

	"GET /v1/health":                     {name: "health.read"},
	"GET /v1/services":                   {name: "services.list", kind: "service"},
	"GET /v1/services/:service":          {name: "services.read", kind: "service", id: "service"},
	"GET /v1/services/:service/:replica": {name: "services.ping", kind: "service", id: "service"},
	"GET /v1/service-events":             {name: "services.events", kind: "service"},

	"GET /v1/audit":    {name: "audit.read"},
	"GET /v1/releases": {name: "releases.list", kind: "server"},
	"GET /v1/logs":     {name: "logs.read", kind: "server"},
}

// action is what the route does. A route that is not in the table, which a test sees to, is recorded by its path.
func (r route) action() action {
	route := r.method + " " + r.path
	if act, ok := actions[route]; ok {
		return act
	}
	if act, ok := actionsOfDialects[route]; ok {
		return act
	}
	return action{name: route}
}

// changes says whether the route may change something.
func (r route) changes() bool {
	return r.needs != public && r.method != http.MethodGet && !r.action().translated
}

// translates says whether the route may have native operations change something.
func (r route) translates() bool { return r.action().translated && r.method != http.MethodGet }
