package sourcedeploy

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// deployment is a deployment, as far as this dialect looks.
type deployment struct {
	ID         string       `json:"id"`
	Kind       deploy.Kind  `json:"kind"`
	Project    string       `json:"project"`
	Stage      string       `json:"stage"`
	Template   string       `json:"template"`
	Group      string       `json:"group"`
	Version    string       `json:"version"`
	Package    string       `json:"package"`
	Actor      string       `json:"actor"`
	State      deploy.State `json:"state"`
	Cause      deploy.Cause `json:"cause"`
	Digest     string       `json:"digest"`
	Strategy   string       `json:"strategy"`
	AcceptedAt time.Time    `json:"accepted_at"`
	EndedAt    *time.Time   `json:"ended_at"`
}

// told says whether the history of a project tells of a deployment: clients know those of
// scenarios alone. What takes one back is a part of it to them.
func (d deployment) told() bool {
	return d.Kind == deploy.KindDeploy && d.Stage != "" && d.Template != ""
}

// theDeployment reads the project and the deployment in the path.
func theDeployment(ctx context.Context, r *dialects.Request) (item, deployment, error) {
	project, err := theProject(ctx, r)
	if err != nil {
		return project, deployment{}, err
	}
	id, err := numbered(ctx, r, numbers.Deployment, "history")
	if err != nil {
		return project, deployment{}, err
	}
	d, err := read[deployment](ctx, r, "GET /v1/deployments/:id", id)
	if err == nil && (d.Project != project.Name || !d.told()) {
		err = numbers.ErrNone
	}
	return project, d, err
}

// origin is what a deployment was made by.
type origin struct {
	Project  named `json:"project"`
	Stage    named `json:"stage"`
	Scenario named `json:"scenario"`
}

// origins knows the numbers of what is in a project by names.
type origins struct {
	project           named
	stages, templates map[string]uint64
}

func readOrigins(ctx context.Context, r *dialects.Request, project item) (origins, error) {
	number, err := numberOf(ctx, r, numbers.Project, project.ID)
	if err != nil {
		return origins{}, err
	}
	o := origins{project: named{number, project.Name}}
	if o.stages, err = byName(ctx, r, numbers.Stage, "GET /v1/projects/:project/stages", project.ID); err != nil {
		return o, err
	}
	o.templates, err = byName(ctx, r, numbers.Template, "GET /v1/projects/:project/templates", project.ID)
	return o, err
}

// byName is the numbers of what an operation lists.
func byName(ctx context.Context, r *dialects.Request, kind numbers.Kind, route, project string) (map[string]uint64, error) {
	all, err := dialects.All[item](ctx, r, dialects.Operation{Route: route, Params: []string{project}})
	if err != nil {
		return nil, err
	}
	numbers, err := r.Numbers(ctx, kind, idsOf(all)...)
	found := map[string]uint64{}
	for _, i := range all {
		found[i.Name] = numbers[i.ID]
	}
	return found, err
}

func (o origins) of(d deployment) origin {
	return origin{o.project, namedIn(o.stages, d.Stage), namedIn(o.templates, d.Template)}
}

func namedIn(numbers map[string]uint64, name string) named {
	if number, there := numbers[name]; there {
		return named{&number, name}
	}
	return named{nil, name}
}

// row is a deployment in the list of a history.
type row struct {
	origin
	ID        uint64 `json:"id"`
	StartTime int64  `json:"startTime"`
	Status    string `json:"status"`
}

// listHistory answers with a page of the deployments of a project, the newest first.
func listHistory(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, err := theProject(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	p := readPage(r.Said, true)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	var told []deployment
	read := 0
	op := dialects.Operation{Route: "GET /v1/deployments", Query: url.Values{"project": {project.Name}}}
	err = dialects.Each(ctx, r, op, func(d deployment) (more bool) {
		if d.told() {
			told = append(told, d)
		}
		read++
		return len(told) < p.first+p.size && read < maxDeep
	})
	if err != nil {
		return dialects.Reply{}, err
	}
	told = of(p, told)
	origins, err := readOrigins(ctx, r, project)
	if err != nil {
		return dialects.Reply{}, err
	}
	ids := make([]string, len(told))
	for n, d := range told {
		ids[len(told)-1-n] = d.ID // what was asked for later has the higher number, also if nobody was told one
	}
	numbers, err := r.Numbers(ctx, numbers.Deployment, ids...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]row, len(told))
	for n, d := range told {
		rows[n] = row{origins.of(d), numbers[d.ID], d.AcceptedAt.UnixMilli(), statusOf(d.State, d.Cause)}
	}
	return answer(map[string]any{"historyList": rows})
}

// detail is a deployment as the document shows it.
type detail struct {
	origin
	ID        *uint64 `json:"id"`
	Status    string  `json:"status"`
	Executor  string  `json:"executor"`
	StartTime int64   `json:"startTime"`
	EndTime   *int64  `json:"endTime"`
	Type      string  `json:"type"`
	Config    any     `json:"config"`
}

// showHistory answers with a deployment, without an object result around it.
func showHistory(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, d, err := theDeployment(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	origins, err := readOrigins(ctx, r, project)
	if err != nil {
		return dialects.Reply{}, err
	}
	number, err := numberOf(ctx, r, numbers.Deployment, d.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	shown := detail{
		origin: origins.of(d), ID: number, Status: statusOf(d.State, d.Cause), Executor: d.Actor,
		StartTime: d.AcceptedAt.UnixMilli(), EndTime: milliseconds(d.EndedAt),
	}
	shown.Type, shown.Config, err = configOf(ctx, r, d)
	return dialects.Reply{Status: http.StatusOK, Body: shown}, err
}
