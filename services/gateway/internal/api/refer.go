package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// referred is what the project of a deployment has said of it.
type referred struct {
	stage, template string
	secrets         []contract.Secret // that the request does not name
	taken           map[string]bool   // names of variables, secret or not, that it or the request says
}

// layReferred lays under a request for a deployment what its template, its stage, its
// application and its project say, in this order: what stands already, stays. A
// project or an application that nobody has described says nothing.
func (a *API) layReferred(c *call, o *field.Object, project string) (referred, error) {
	l := newLayers(o)
	ctx, cancel := a.brief(c)
	defer cancel()
	template, err := a.layNamed(ctx, c, l, projects.Template, project)
	if err != nil {
		return referred{}, err
	}
	approval := o.Raw("approval")
	stage, err := a.layNamed(ctx, c, l, projects.Stage, project)
	if err != nil {
		return referred{}, err
	}
	l.bind(approval, stage.Defaults["approval"])
	application := l.text("application")
	for _, said := range []struct {
		kind projects.Kind
		name string
	}{{projects.Application, application}, {projects.Project, project}} {
		if project == "" || said.name == "" {
			continue
		}
		i, _, err := a.Projects.Get(ctx, said.kind, project, said.name)
		switch {
		case errors.Is(err, projects.ErrNotFound): // it is a name, and nothing else
		case err != nil:
			return referred{}, err
		default:
			l.lay(i)
		}
	}
	return referred{stage: stage.Name, template: template.Name, secrets: l.close(), taken: l.taken}, nil
}

// layNamed lays what an item of this kind says that the request must name, if it is
// to count.
func (a *API) layNamed(ctx context.Context, c *call, l *layers, kind projects.Kind, project string) (projects.Item, error) {
	ref, named := l.o.Text(string(kind))
	if !named {
		return projects.Item{}, nil
	}
	if project == "" {
		if !c.errs.Has("project") {
			c.errs.Add("project", "is required with %s", kind)
		}
		return projects.Item{}, nil
	}
	i, _, err := a.Projects.Get(ctx, kind, project, ref)
	if errors.Is(err, projects.ErrNotFound) {
		c.errs.Add(string(kind), "the project has none of this name or id")
		return projects.Item{}, nil
	}
	if err == nil {
		l.lay(i)
	}
	return i, err
}

// layers is a request under which others are laid.
type layers struct {
	o       *field.Object
	env     map[string]json.RawMessage // nil: what the request says cannot be read
	taken   map[string]bool            // names of variables that somebody has said
	secrets []contract.Secret
	docker  bool // the request itself says that the application runs in a container
}

func newLayers(o *field.Object) *layers {
	l := &layers{o: o, env: map[string]json.RawMessage{}, taken: map[string]bool{}}
	if l.said("environment") && json.Unmarshal(o.Raw("environment"), &l.env) != nil {
		l.env = nil // the reader will say so
	}
	var runtime struct{ Kind string }
	_ = json.Unmarshal(o.Raw("runtime"), &runtime) // likewise
	l.docker = runtime.Kind == contract.RuntimeDocker
	for _, sealed := range []string{"secrets", "sealed_environment"} {
		var said map[string]json.RawMessage
		_ = json.Unmarshal(o.Raw(sealed), &said) // likewise
		for name := range said {
			l.taken[name] = true
		}
	}
	for name := range l.env {
		l.taken[name] = true
	}
	return l
}

func (l *layers) text(name string) string {
	var text string
	_ = json.Unmarshal(l.o.Raw(name), &text) // the reader will say so
	return text
}

func (l *layers) said(name string) bool { return l.o.Given(name) && !l.o.Null(name) }

// lay lays what the item says under the request.
func (l *layers) lay(i projects.Item) {
	for _, together := range exclusive {
		if slices.ContainsFunc(together, l.said) {
			continue
		}
		for _, name := range together {
			l.put(name, i.Defaults[name])
		}
	}
	for _, name := range slices.Concat(defaultFields, []string{"application", "stage"}) {
		if name == "restart" && l.docker {
			continue // of what it is when it does not
		}
		l.put(name, i.Defaults[name])
	}
	l.layVariables(i)
}

func (l *layers) put(name string, value json.RawMessage) {
	if value != nil && !l.said(name) {
		l.o.Put(name, value)
	}
}

// layVariables lays variables and secret ones, each under those of its name.
func (l *layers) layVariables(i projects.Item) {
	var env map[string]json.RawMessage
	_ = json.Unmarshal(i.Defaults["environment"], &env) // it was read when it was stored
	names := slices.Collect(maps.Keys(env))
	for name, value := range env {
		if !l.taken[name] && l.env != nil {
			l.env[name] = value
		}
	}
	for _, s := range i.Secrets {
		if !l.taken[s.Name] {
			l.secrets = append(l.secrets, s)
		}
		names = append(names, s.Name)
	}
	for _, name := range names {
		l.taken[name] = true
	}
}

// bind has the approval that a stage asks for be asked for whatever the request, or
// its template, says: that can only add to it.
func (l *layers) bind(asked, stage json.RawMessage) {
	var mine, its map[string]json.RawMessage
	if stage == nil || json.Unmarshal(asked, &mine) != nil || json.Unmarshal(stage, &its) != nil || mine == nil {
		return
	}
	if string(its["not_requester"]) == "true" {
		mine["not_requester"] = its["not_requester"]
	}
	both, _ := json.Marshal(mine) // JSON it was: that cannot fail
	l.o.Put("approval", both)
}

// close ends the laying, and returns the secrets.
func (l *layers) close() []contract.Secret {
	if len(l.env) > 0 {
		env, _ := json.Marshal(l.env) // JSON it was: that cannot fail
		l.o.Put("environment", env)
	}
	return l.secrets
}

// readGroup takes a group of servers, by its name or id.
func (a *API) readGroup(c *call, o *field.Object) (projects.Item, error) {
	ref := mayHold(o, "group", rule.Application)
	if ref == "" || c.errs.Has("group") {
		return projects.Item{}, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	g, _, err := a.Projects.Get(ctx, projects.Group, "", ref)
	if errors.Is(err, projects.ErrNotFound) {
		c.errs.Add("group", "there is none of this name or id")
		err = nil
	}
	return g, err
}
