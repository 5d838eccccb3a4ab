package sourcedeploy

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// The types of stages whose targets there are, and of those whose there are not.
const (
	onServers  = "Server"
	onGroup    = "AutoScalingGroup"
	kubernetes = "KubernetesService"
	storage    = "ObjectStorage"
)

// The strategies.
const (
	normal    = "normal"
	blueGreen = "blueGreen"
)

// onServersConfig is what a deployment to servers did: one of it is in a list.
type onServersConfig struct {
	Strategy string     `json:"strategy"`
	File     file       `json:"file"`
	Targets  []progress `json:"targets"`
}

// onGroupConfig is what a deployment to a group of servers did.
type onGroupConfig struct {
	Strategy string     `json:"strategy"`
	Group    numberedNo `json:"autoScalingGroup"`
	File     file       `json:"file"`
	Targets  []progress `json:"targets"`
}

// file is what was deployed.
type file struct {
	Selected string `json:"selected"`
	Type     string `json:"type"`
}

// progress is how a deployment stands on one server.
type progress struct {
	Server numberedNo `json:"server"`
	Status string     `json:"status"`
	way
}

// numberedNo is a thing that answers name by a number that they call no.
type numberedNo struct {
	No   *uint64 `json:"no"`
	Name string  `json:"name"`
}

// configOf reads what a deployment did, and on what type of stage.
func configOf(ctx context.Context, r *dialects.Request, d deployment) (string, any, error) {
	shipped, err := fileOf(ctx, r, d)
	if err != nil {
		return "", nil, err
	}
	targets, err := progressOf(ctx, r, d)
	if err != nil {
		return "", nil, err
	}
	if d.Group == "" {
		return onServers, []onServersConfig{{normal, shipped, targets}}, nil
	}
	c := onGroupConfig{Strategy: normal, Group: numberedNo{Name: d.Group}, File: shipped, Targets: targets}
	if d.Strategy == string(deploy.BlueGreen) {
		c.Strategy = blueGreen
	}
	g, err := read[item](ctx, r, "GET /v1/groups/:group", d.Group)
	switch {
	case isStatus(err, http.StatusNotFound): // any more
		return onGroup, c, nil
	case err == nil:
		c.Group.No, err = numberOf(ctx, r, numbers.Group, g.ID)
	}
	return onGroup, c, err
}

// fileOf reads what was deployed: an object of a store is one, and all else is a build that
// Slipway was given. Of a package that was deleted, the version is known.
func fileOf(ctx context.Context, r *dialects.Request, d deployment) (file, error) {
	type shipped struct {
		Filename string `json:"filename"`
		Source   struct {
			S3 json.RawMessage `json:"s3"`
		} `json:"source"`
	}
	p, err := read[shipped](ctx, r, "GET /v1/packages/:id", d.Package)
	switch {
	case isStatus(err, http.StatusNotFound):
		return file{d.Version, "SourceBuild"}, nil
	case err == nil && p.Source.S3 != nil:
		return file{p.Filename, storage}, nil
	}
	return file{p.Filename, "SourceBuild"}, err
}

// progressOf reads how a deployment stands on its servers.
func progressOf(ctx context.Context, r *dialects.Request, d deployment) ([]progress, error) {
	targets, err := dialects.All[target](ctx, r, dialects.Operation{Route: "GET /v1/deployments/:id/targets", Params: []string{d.ID}})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(targets))
	for n, t := range targets {
		ids[n] = t.Server
	}
	numbers, err := r.Numbers(ctx, numbers.Server, ids...)
	all := make([]progress, len(targets))
	for n, t := range targets {
		number := numbers[t.Server]
		all[n] = progress{numberedNo{&number, t.Name}, t.status(d.State.Terminal()), t.way()}
	}
	return all, err
}
