package api

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	// askedAtOnce bounds how many executors are asked at the same time what they have met.
	askedAtOnce = 16
	modeMet     = "available"
	modeUnknown = "unknown"
)

// healthDocument is how the installation is, as it is sent. What cannot be had just now is left
// out.
type healthDocument struct {
	Status      string               `json:"status"`
	At          time.Time            `json:"at"`
	Version     string               `json:"version"`
	Missing     []lack               `json:"missing"`
	Services    map[string]int       `json:"services"` // replicas that are ready
	Modes       map[string]modeState `json:"modes"`
	Deployments *underWay            `json:"deployments,omitempty"`
	Machine     *machineUse          `json:"machine,omitempty"`
	Statistics  *totals              `json:"statistics,omitempty"`
}

// modeState is whether hosts were met that have what a kind of application needs.
type modeState struct {
	Status string     `json:"status"`
	Met    *time.Time `json:"met_at,omitempty"`
}

type underWay struct {
	Active  int `json:"active"`
	Waiting int `json:"waiting"`
	Limit   int `json:"limit"` // 0: any number
}

type machineUse struct {
	CPU    float64 `json:"cpu_percent"`
	Memory float64 `json:"memory_percent"`
	Disk   float64 `json:"disk_percent"`
}

type totals struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Total     int    `json:"total"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Cancelled int    `json:"cancelled"`
	Rejected  int    `json:"rejected"`
	Average   int64  `json:"average_ms"`
}

// showHealth shows how the installation is, also where parts of it are not there.
func (a *API) showHealth(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	out := healthDocument{
		Status: "ready", At: time.Now().UTC(), Version: bus.Version(), Services: map[string]int{}, Missing: a.missing(c.ctx),
	}
	if len(out.Missing) > 0 {
		out.Status = "degraded"
	} else {
		out.Missing = []lack{}
	}
	for _, s := range a.services("") {
		out.Services[s.Name] = s.Ready
	}
	if r, err := a.Machine.Read(); err == nil {
		use := machineUse(r)
		out.Machine = &use
	}
	var parts errgroup.Group
	parts.Go(func() error { out.Modes = a.modes(c.ctx); return nil })
	parts.Go(func() error { out.Deployments = a.underWay(c.ctx); return nil })
	parts.Go(func() error { out.Statistics = a.totals(c.ctx, out.At); return nil })
	_ = parts.Wait() // none fails: what cannot be had is left out
	return ok(out)
}

// modes asks executors which runtimes they have met on hosts since they were started.
func (a *API) modes(ctx context.Context) map[string]modeState {
	var (
		mu     sync.Mutex
		asking errgroup.Group
	)
	all := map[string]modeState{
		contract.RuntimeDocker: {Status: modeUnknown}, contract.RuntimeUV: {Status: modeUnknown}, contract.RuntimeFallback: {Status: modeUnknown},
	}
	asking.SetLimit(askedAtOnce)
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	for _, r := range a.Registry.Replicas() {
		if r.Service != "slipway-executor" || r.State == contract.ReplicaLost {
			continue
		}
		asking.Go(func() error {
			done, err := a.Registry.Activity(ctx, r.Service, r.ID)
			if err != nil {
				return nil // it does not say
			}
			mu.Lock()
			defer mu.Unlock()
			for kind := range all {
				at, err := time.Parse(time.RFC3339, done.Notes[bus.NoteRuntime+kind])
				if err == nil && (all[kind].Met == nil || at.After(*all[kind].Met)) {
					all[kind] = modeState{modeMet, &at}
				}
			}
			return nil
		})
	}
	_ = asking.Wait()
	return all
}

// active is the states of a deployment that is under way.
var active = []deploy.State{deploy.Running, deploy.Paused, deploy.Holding, deploy.Analyzing, deploy.Halting, deploy.Reverting}

// underWay counts the deployments that are. Schedulers know them where their number is
// limited, and history where it is not.
func (a *API) underWay(ctx context.Context) *underWay {
	locks, err := a.Deployments.Locks(ctx, contract.ListLocks{Limit: 1})
	if err != nil {
		return nil
	}
	s := locks.Slots
	if s.All > 0 || s.Project > 0 {
		return &underWay{Active: len(s.Holders), Waiting: len(s.Waiting), Limit: s.All}
	}
	out := underWay{}
	for _, state := range active {
		l := contract.ListDeployments{Limit: maxLimit, State: string(state)}
		for more := true; more; {
			found, err := a.Deployments.List(ctx, l)
			if err != nil {
				return nil
			}
			out.Active += len(found.Deployments)
			if more = found.More && len(found.Deployments) > 0; more {
				last := found.Deployments[len(found.Deployments)-1]
				l.After = &contract.Place{AcceptedAt: last.AcceptedAt, ID: last.ID}
			}
		}
	}
	return &out
}

// totals is what deployments of the last year came to, rollbacks among them.
func (a *API) totals(ctx context.Context, now time.Time) *totals {
	asked := contract.GetStatistics{From: now.Add(-(mostDays - 1) * day).Format(time.DateOnly), To: now.Format(time.DateOnly)}
	found, err := a.Deployments.Statistics(ctx, asked)
	if err != nil {
		return nil
	}
	t := found.Total
	out := totals{From: asked.From, To: asked.To, Average: t.Duration.Mean}
	for _, o := range []contract.Outcomes{t.Deploys, t.Rollbacks} {
		out.Succeeded += o.Succeeded
		out.Failed += o.Failed
		out.Cancelled += o.Cancelled
		out.Rejected += o.Rejected
	}
	out.Total = out.Succeeded + out.Failed + out.Cancelled + out.Rejected
	return &out
}
