package modes

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// layers is what the project says of a deployment, the nearest first: its template, its
// stage, its application and itself.
type layers []map[string]json.RawMessage

// said reads what the project says. A profile or an environment that is named must be
// there; an application or a project that nobody has described says nothing.
func (c Config) said(ctx context.Context, r *dialects.Request, w wanted) (layers, error) {
	const project = "GET /v1/projects/:project"
	var all layers
	for _, l := range []struct {
		route string
		names []string
		field string
	}{
		{project + "/templates/:template", []string{c.Project, w.profile}, "config.profile"},
		{project + "/stages/:stage", []string{c.Project, w.environment}, "environment"},
		{project + "/applications/:application", []string{c.Project, c.Application}, ""},
		{project, []string{c.Project}, ""},
	} {
		if l.names[len(l.names)-1] == "" {
			continue
		}
		var item struct {
			Defaults map[string]json.RawMessage `json:"defaults"`
		}
		err := r.Do(ctx, dialects.Operation{Route: l.route, Params: l.names}, &item)
		var p *dialects.Problem
		switch {
		case errors.As(err, &p) && p.Status == http.StatusNotFound:
			if l.field != "" {
				r.Said.Wrong(l.field, unknown)
			}
		case err != nil:
			return nil, err
		}
		all = append(all, item.Defaults)
	}
	return all, r.Said.Err()
}

// first is the field as the nearest says it that does.
func (l layers) first(name string) json.RawMessage {
	for _, layer := range l {
		if value := layer[name]; value != nil && string(value) != "null" {
			return value
		}
	}
	return nil
}

func (l layers) names(field string) bool { return l.first(field) != nil }

// busy is what is to follow where too many deployments are under way. One that begins
// later anyway has no place kept.
func (l layers) busy() string {
	if l.names("approval") || l.names("calendar") {
		return ""
	}
	return "refuse"
}

// runtime is how the release is made to run: the mode of the request, with the options of
// the project. Auto tries docker, too, unless the project says how auto goes.
func (l layers) runtime(mode string, rebuild bool) map[string]any {
	var said struct {
		Kind   string          `json:"kind"`
		Python json.RawMessage `json:"python"`
		Docker json.RawMessage `json:"docker"`
	}
	_ = json.Unmarshal(l.first("runtime"), &said) // it was read when it was stored; nothing said is nothing
	runtime := map[string]any{"kind": mode}
	if mode != contract.RuntimeDocker && said.Python != nil {
		runtime["python"] = said.Python
	}
	docks := mode == contract.RuntimeDocker || mode == contract.RuntimeAuto
	switch {
	case docks && said.Docker != nil:
		runtime["docker"] = said.Docker
	case mode == contract.RuntimeAuto && said.Kind != contract.RuntimeAuto:
		runtime["docker"] = map[string]any{}
	}
	if rebuild {
		runtime["rebuild"] = true
	}
	return runtime
}
