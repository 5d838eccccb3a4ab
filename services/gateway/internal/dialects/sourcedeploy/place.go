package sourcedeploy

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// item is a project, or what is in one, or a group, as far as this dialect looks.
type item struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Defaults struct {
		Application string          `json:"application"`
		Stage       string          `json:"stage"` // by name or id
		Approval    json.RawMessage `json:"approval"`
	} `json:"defaults"`
	Selector map[string]string `json:"selector"` // of a group
	Labels   map[string]string `json:"labels"`   // of a server
}

// in says whether a template is one of the stage.
func (i item) in(stage item) bool {
	return i.Defaults.Stage == stage.Name || i.Defaults.Stage == stage.ID
}

// named is a thing as answers name it.
type named struct {
	ID   *uint64 `json:"id"` // null: it is not there any more
	Name string  `json:"name"`
}

// numbered finds what the number stands for that is in the path by this name. Whether the
// caller may see it is seen by the operation that its id goes into.
func numbered(ctx context.Context, r *dialects.Request, kind numbers.Kind, param string) (string, error) {
	number, err := strconv.ParseUint(r.Param(param), 10, 64)
	if err != nil {
		return "", numbers.ErrNone
	}
	return r.Numbered(ctx, kind, number)
}

// theProject reads the project in the path.
func theProject(ctx context.Context, r *dialects.Request) (item, error) {
	id, err := numbered(ctx, r, numbers.Project, "project")
	if err != nil {
		return item{}, err
	}
	return read[item](ctx, r, "GET /v1/projects/:project", id)
}

// theStage reads the project and the stage in the path.
func theStage(ctx context.Context, r *dialects.Request) (project, stage item, err error) {
	if project, err = theProject(ctx, r); err != nil {
		return project, stage, err
	}
	id, err := numbered(ctx, r, numbers.Stage, "stage")
	if err == nil {
		stage, err = read[item](ctx, r, "GET /v1/projects/:project/stages/:stage", project.ID, id)
	}
	return project, stage, err
}

// theScenario reads the project, the stage and the template in the path.
func theScenario(ctx context.Context, r *dialects.Request) (project, stage, template item, err error) {
	if project, stage, err = theStage(ctx, r); err != nil {
		return project, stage, template, err
	}
	id, err := numbered(ctx, r, numbers.Template, "scenario")
	if err == nil {
		template, err = read[item](ctx, r, "GET /v1/projects/:project/templates/:template", project.ID, id)
	}
	if err == nil && !template.in(stage) {
		err = numbers.ErrNone
	}
	return project, stage, template, err
}

// read has an operation done that reads one thing.
func read[T any](ctx context.Context, r *dialects.Request, route string, params ...string) (T, error) {
	var into T
	return into, r.Do(ctx, dialects.Operation{Route: route, Params: params}, &into)
}

// numberOf is the number of one thing.
func numberOf(ctx context.Context, r *dialects.Request, kind numbers.Kind, id string) (*uint64, error) {
	all, err := r.Numbers(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	number := all[id]
	return &number, nil
}
