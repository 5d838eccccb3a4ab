package modes

import (
	"context"
	"math"
	"net/url"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// anyNumber is said where any number of deployments may be under way: clients compare.
const anyNumber = math.MaxInt32

// health is how the service is.
type health struct {
	Status     string             `json:"api_status"`
	Time       string             `json:"timestamp"`
	Version    string             `json:"version"`
	Managers   map[string]manager `json:"deployment_managers"`
	Active     int                `json:"active_deployments"`
	Most       int                `json:"max_concurrent_deployments"`
	Resources  *resources         `json:"system_resources"` // null: they cannot be read
	Statistics *statistics        `json:"statistics"`       // null: nobody tells them just now
}

type manager struct {
	Status string `json:"status"`
}

type resources struct {
	CPU    float64 `json:"cpu_percent"`
	Memory float64 `json:"memory_percent"`
	Disk   float64 `json:"disk_percent"`
}

type statistics struct {
	Total      int     `json:"total_deployments"`
	Successful int     `json:"successful_deployments"`
	Failed     int     `json:"failed_deployments"`
	Cancelled  int     `json:"cancelled_deployments"`
	Average    float64 `json:"average_deployment_time"` // seconds
}

// nativeHealth is the native document.
type nativeHealth struct {
	Status  string             `json:"status"`
	At      time.Time          `json:"at"`
	Version string             `json:"version"`
	Modes   map[string]manager `json:"modes"`
	Machine *resources         `json:"machine"`
	Totals  *totals            `json:"statistics"`
}

type totals struct {
	Total     int   `json:"total"`
	Succeeded int   `json:"succeeded"`
	Failed    int   `json:"failed"`
	Cancelled int   `json:"cancelled"`
	Rejected  int   `json:"rejected"`
	Average   int64 `json:"average_ms"`
}

func (c Config) health(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	var n nativeHealth
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/health"}, &n); err != nil {
		return dialects.Reply{}, err
	}
	out := health{
		Status: n.Status, Time: stamp(n.At), Version: n.Version, Managers: map[string]manager{}, Resources: n.Machine,
	}
	if t := n.Totals; t != nil {
		out.Statistics = &statistics{
			Total: t.Total, Successful: t.Succeeded, Failed: t.Failed, Cancelled: t.Cancelled + t.Rejected, Average: float64(t.Average) / 1000,
		}
	}
	for _, mode := range []string{contract.RuntimeDocker, contract.RuntimeUV, contract.RuntimeFallback} {
		out.Managers[mode] = n.Modes[mode]
	}
	var err error
	if out.Active, out.Most, err = c.places(ctx, r); err != nil {
		out.Status = "degraded" // schedulers, or history, do not say
	}
	return ok(out)
}

// places is how many deployments of the project are under way, and how many may be.
func (c Config) places(ctx context.Context, r *dialects.Request) (taken, most int, err error) {
	var page struct {
		Slots struct {
			All     int `json:"all"`
			Project int `json:"project"`
			Holders []struct {
				Project string `json:"project"`
			} `json:"holders"`
		} `json:"slots"`
	}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/locks", Query: url.Values{"limit": {"1"}}}, &page); err != nil {
		return 0, 0, err
	}
	s := page.Slots
	if s.All == 0 && s.Project == 0 { // nothing is limited: nobody takes a place
		taken, err := c.underWay(ctx, r)
		return taken, anyNumber, err
	}
	for _, h := range s.Holders {
		if h.Project == c.Project {
			taken++
		}
	}
	most = anyNumber
	if s.Project > 0 {
		most = s.Project
	}
	if s.All > 0 {
		most = min(most, max(taken, s.All-(len(s.Holders)-taken))) // of others, places are taken, too
	}
	return taken, most, nil
}

// active is the states of a deployment that is under way.
var active = []deploy.State{deploy.Running, deploy.Paused, deploy.Holding, deploy.Analyzing, deploy.Halting, deploy.Reverting}

// underWay counts the deployments of the project that are.
func (c Config) underWay(ctx context.Context, r *dialects.Request) (int, error) {
	count := 0
	for _, state := range active {
		query := url.Values{"project": {c.Project}, "state": {string(state)}}
		all, err := dialects.All[deployment](ctx, r, dialects.Operation{Route: "GET /v1/deployments", Query: query})
		if err != nil {
			return 0, err
		}
		count += len(all)
	}
	return count, nil
}
