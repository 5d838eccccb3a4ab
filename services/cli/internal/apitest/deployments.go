package apitest

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func (g *Gateway) deploy(w http.ResponseWriter, r *http.Request, body []byte) {
	var c client.DeploymentCreate
	decode(body, &c)
	var bad []client.FieldError
	i := slices.IndexFunc(g.packages, func(p client.Package) bool {
		return p.Application == c.Application && (p.ID == c.Package || p.Version == c.Version || c.Package == "newest")
	})
	if i < 0 {
		bad = append(bad, client.FieldError{Field: "version", Message: "there is no package " + c.Version + " of " + c.Application})
	}
	on, unknown := g.chosen(c.Servers, c.Selector)
	bad = append(bad, unknown...)
	if len(bad) > 0 {
		problem(w, r, http.StatusUnprocessableEntity, "invalid_request", "fields are not valid", bad...)
		return
	}
	d := client.Deployment{
		Kind: client.KindDeploy, Application: c.Application, Path: c.Path, Version: g.packages[i].Version, Package: g.packages[i].ID,
	}
	if d.Path == "" {
		d.Path = "apps/" + c.Application
	}
	if c.DryRun {
		reply(w, http.StatusOK, planOf(d, on, c.Strategy))
		return
	}
	if g.full && c.WhenBusy == "refuse" {
		w.Header().Set("Retry-After", "30")
		problem(w, r, http.StatusTooManyRequests, "too_many_deployments", "3 deployments are under way, and no more may be")
		return
	}
	d.Project, d.Metadata = c.Project, c.Metadata
	if c.Approval != nil {
		d.State, d.Digest = client.AwaitingApproval, Digest
	}
	made := g.accept(d, on, c.Strategy)
	g.deployments[0].reverts = c.Failures != nil && c.Failures.Then == "rollback"
	reply(w, http.StatusAccepted, made)
}

// chosen returns the servers that a request names, and what it names that is not there.
func (g *Gateway) chosen(listed []string, selector map[string]string) (on []client.Server, bad []client.FieldError) {
	for _, ref := range listed {
		s, ok := g.find(ref)
		if !ok {
			bad = append(bad, client.FieldError{Field: "servers", Message: "there is no server " + ref})
		}
		on = append(on, s)
	}
	if len(selector) > 0 {
		var labels []string
		for key, value := range maps.All(selector) {
			labels = append(labels, key+"="+value)
		}
		on = append(on, g.labelled(labels)...)
	}
	return on, bad
}

func (g *Gateway) init(w http.ResponseWriter, r *http.Request, application string, body []byte) {
	var c client.InitCreate
	decode(body, &c)
	on, bad := g.chosen(c.Servers, c.Selector)
	if len(bad) > 0 {
		problem(w, r, http.StatusUnprocessableEntity, "invalid_request", "fields are not valid", bad...)
		return
	}
	d := client.Deployment{Kind: client.KindInit, Project: c.Project, Application: application, Path: cmp.Or(c.Path, "apps/"+application)}
	reply(w, http.StatusAccepted, g.accept(d, on, c.Strategy))
}

func (g *Gateway) accept(d client.Deployment, on []client.Server, s *client.Strategy) client.Deployment {
	waves := wavesOf(len(on), s)
	d.ID, d.Actor, d.State, d.AcceptedAt = g.next(), "ci", cmp.Or(d.State, client.Accepted), time.Now().UTC()
	d.Targets, d.Waves, d.Strategy = len(on), waves[len(waves)-1]+1, "all"
	if s != nil {
		d.Strategy = s.Type
	}
	made := &deployment{Deployment: d, holds: s != nil && s.Hold != ""}
	for i, s := range on {
		made.targets = append(made.targets, client.Target{
			Target: i, Server: s.ID, Name: s.Name, Wave: waves[i], State: client.Pending, Steps: []client.Step{},
		})
	}
	made.count()
	g.deployments = append([]*deployment{made}, g.deployments...)
	return made.Deployment
}

func (g *Gateway) listDeployments(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	may := func(name, have string) bool { return q.Get(name) == "" || q.Get(name) == have }
	noted := func(have map[string]string) bool {
		return !slices.ContainsFunc(q["metadata"], func(asked string) bool {
			name, value, _ := strings.Cut(asked, "=")
			return have[name] != value
		})
	}
	var found []client.Deployment
	for _, d := range g.deployments {
		if may("application", d.Application) && may("state", string(d.State)) && may("project", d.Project) && may("actor", d.Actor) && may("batch", d.Batch) &&
			may("stage", d.Stage) && may("template", d.Template) && noted(d.Metadata) {
			found = append(found, d.Deployment)
		}
	}
	if q.Get("sort") == "oldest" {
		slices.Reverse(found)
	}
	reply(w, http.StatusOK, pageOf(r, found))
}

func (g *Gateway) oneDeployment(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	i := slices.IndexFunc(g.deployments, func(d *deployment) bool { return d.ID == id })
	switch {
	case i < 0:
		problem(w, r, http.StatusNotFound, "not_found", "there is no such deployment")
	case strings.HasSuffix(r.URL.Path, "/rollback"):
		g.rollBack(w, r, g.deployments[i], body)
	case strings.HasSuffix(r.URL.Path, "/retry"):
		g.retry(w, r, g.deployments[i], body)
	case strings.HasSuffix(r.URL.Path, "/skip"):
		g.skip(w, r, g.deployments[i], body)
	case r.Method == http.MethodPost:
		g.control(w, r, g.deployments[i], body)
	case strings.HasSuffix(r.URL.Path, "/logs"):
		g.listOutput(w, r, g.deployments[i])
		g.tick(g.deployments[i])
	case r.URL.Path == "/v1/deployments/"+id:
		reply(w, http.StatusOK, g.deployments[i].Deployment)
	default:
		page := pageOf(r, g.deployments[i].targets)
		g.tick(g.deployments[i])
		reply(w, http.StatusOK, page)
	}
}

func (g *Gateway) rollBack(w http.ResponseWriter, r *http.Request, of *deployment, body []byte) {
	var c client.RollbackCreate
	decode(body, &c)
	if !of.State.Ended() {
		problem(w, r, http.StatusConflict, "not_finished", "the deployment is not finished")
		return
	}
	var on []client.Server
	for _, t := range of.targets {
		if len(c.Servers) == 0 || slices.Contains(c.Servers, t.Name) || slices.Contains(c.Servers, t.Server) {
			on = append(on, client.Server{ID: t.Server, Name: t.Name})
		}
	}
	reply(w, http.StatusAccepted, g.accept(client.Deployment{
		Kind: client.KindRollback, Application: of.Application, Path: of.Path,
		Version: c.To, From: of.Version, RollbackOf: of.ID,
	}, on, c.Strategy))
}

func (g *Gateway) listReleases(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rows := []client.ServerReleases{}
	for _, s := range g.labelled(q["label"]) {
		if len(q["server"]) > 0 && !slices.Contains(q["server"], s.Name) && !slices.Contains(q["server"], s.ID) {
			continue
		}
		row := g.running[s.ID][q.Get("application")]
		row.Server, row.Name, row.Intact = s.ID, s.Name, row.Current != ""
		if f, fails := g.failures[s.Name]; fails && f.Step == "connect" {
			row = client.ServerReleases{Server: s.ID, Name: s.Name, Failure: &client.Failure{Code: f.Code, Reason: f.Reason}}
		}
		if row.Releases == nil {
			row.Releases = []client.Release{}
		}
		rows = append(rows, row)
	}
	reply(w, http.StatusOK, pageOf(r, rows))
}
