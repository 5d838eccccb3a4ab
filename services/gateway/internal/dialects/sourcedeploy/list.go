package sourcedeploy

import (
	"context"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

const (
	maxPage = 100    // what a page holds at most, and unless it is said
	maxDeep = 10_000 // how far into a list a page can lie, and how much of a history is read for one
)

// page is a part of a list that a client asks for.
type page struct{ first, size int }

// readPage takes which part is asked for: all of it, but for the history, where nothing is
// said.
func readPage(s *dialects.Said, always bool) page {
	no, size := s.Number("pageNo"), s.Number("pageSize")
	if !s.Given("pageNo") {
		no = 1
	}
	switch {
	case s.Given("pageSize"):
	case always || s.Given("pageNo"):
		size = maxPage
	default:
		return page{size: maxDeep}
	}
	if size < 1 || size > maxPage {
		s.Wrong("pageSize", "must be 1 to 100")
	}
	if no < 1 || no > maxDeep || no*size > maxDeep {
		s.Wrong("pageNo", "must be at least 1, and lead no further than the first 10000")
	}
	return page{(no - 1) * size, size}
}

// of returns the part of all that the page shows.
func of[T any](p page, all []T) []T {
	first := min(p.first, len(all))
	return all[first:min(first+p.size, len(all))]
}

func listProjects(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	fit := fitting(r.Said, "projectName")
	return list(ctx, r, "projectList", numbers.Project, fit, "GET /v1/projects")
}

func listStages(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, err := theProject(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	return list(ctx, r, "stageList", numbers.Stage, fitting(r.Said, "stageName"), "GET /v1/projects/:project/stages", project.ID)
}

func listScenarios(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	project, stage, err := theStage(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	called := fitting(r.Said, "scenarioName")
	fit := func(i item) bool { return i.in(stage) && called(i) }
	return list(ctx, r, "scenarioList", numbers.Template, fit, "GET /v1/projects/:project/templates", project.ID)
}

// fitting says whether a thing has the text of a field in its name.
func fitting(s *dialects.Said, field string) func(item) bool {
	text := s.Text(field)
	return func(i item) bool { return strings.Contains(i.Name, text) }
}

// list answers with the part that is asked for of what an operation lists and that fits.
func list(ctx context.Context, r *dialects.Request, name string, kind numbers.Kind, fit func(item) bool, route string, params ...string) (dialects.Reply, error) {
	p := readPage(r.Said, false)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	all, err := dialects.All[item](ctx, r, dialects.Operation{Route: route, Params: params})
	if err != nil {
		return dialects.Reply{}, err
	}
	var found []item
	for _, i := range all {
		if fit(i) {
			found = append(found, i)
		}
	}
	found = of(p, found)
	numbers, err := r.Numbers(ctx, kind, idsOf(found)...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]named, len(found))
	for n, i := range found {
		number := numbers[i.ID]
		rows[n] = named{&number, i.Name}
	}
	return answer(map[string]any{name: rows})
}

func idsOf(items []item) []string {
	ids := make([]string, len(items))
	for n, i := range items {
		ids[n] = i.ID
	}
	return ids
}

// server is one as stages are made of.
type server struct {
	No   uint64 `json:"serverNo"`
	Name string `json:"name"`
}

func listServers(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	all, err := dialects.All[item](ctx, r, dialects.Operation{Route: "GET /v1/servers"})
	if err != nil {
		return dialects.Reply{}, err
	}
	numbers, err := r.Numbers(ctx, numbers.Server, idsOf(all)...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]server, len(all))
	for n, i := range all {
		rows[n] = server{numbers[i.ID], i.Name}
	}
	return answer(map[string]any{"serverList": rows})
}

// group is one as stages are made of.
type group struct {
	No        uint64 `json:"groupNo"`
	Name      string `json:"name"`
	Instances int    `json:"instanceCount"`
}

func listGroups(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	all, err := dialects.All[item](ctx, r, dialects.Operation{Route: "GET /v1/groups"})
	if err != nil {
		return dialects.Reply{}, err
	}
	servers, err := dialects.All[item](ctx, r, dialects.Operation{Route: "GET /v1/servers"})
	if err != nil {
		return dialects.Reply{}, err
	}
	numbers, err := r.Numbers(ctx, numbers.Group, idsOf(all)...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]group, len(all))
	for n, i := range all {
		rows[n] = group{No: numbers[i.ID], Name: i.Name}
		for _, s := range servers {
			if s.carries(i.Selector) {
				rows[n].Instances++
			}
		}
	}
	return answer(map[string]any{"autoScalingList": rows})
}

// carries says whether a server is one that the selector of a group means.
func (i item) carries(selector map[string]string) bool {
	for key, value := range selector {
		if have, ok := i.Labels[key]; !ok || have != value {
			return false
		}
	}
	return true
}
