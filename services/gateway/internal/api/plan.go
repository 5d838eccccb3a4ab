package api

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
)

// maxPlanned bounds a plan, which is shown as far as this many servers: the
// answer for the largest fleet stays far below what a message of the broker
// holds, in which it rests for its Idempotency-Key.
const maxPlanned = 1000

// plan is what a deployment would do, as it is sent.
type plan struct {
	Application string        `json:"application"`
	Version     string        `json:"version"`
	Path        string        `json:"path"`
	Digest      string        `json:"digest"`
	Strategy    strategy      `json:"strategy"`
	Failures    failures      `json:"failures"`
	Targets     int           `json:"targets"`
	WaveCount   int           `json:"wave_count"`
	Waves       []plannedWave `json:"waves"` // as far as maxPlanned servers
	Steps       []string      `json:"steps"` // on each server
}

type plannedWave struct {
	Wave    int             `json:"wave"`
	Targets int             `json:"targets"`
	Servers []plannedServer `json:"servers"`
}

type plannedServer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// strategy and failures are what was asked for, with what was left out.
type strategy struct {
	Type        string `json:"type"`
	First       string `json:"first,omitempty"`
	Batch       string `json:"batch,omitempty"`
	Pause       string `json:"pause,omitempty"`
	MaxParallel int    `json:"max_parallel"`
	MinHealthy  string `json:"min_healthy,omitempty"`
	Hold        string `json:"hold,omitempty"`
}

type failures struct {
	Batch       string `json:"batch,omitempty"`
	Total       string `json:"total,omitempty"`
	Then        string `json:"then"`
	Unreachable string `json:"unreachable"`
}

func planOf(o deployments.Order, p contract.Package) (answer, error) {
	waves := deployments.Waves(o.Policy, len(o.Servers))
	out := plan{
		Application: o.Application.Name, Version: p.Version, Path: o.Application.Path, Digest: deployments.Digest(o, p),
		Strategy: strategyOf(o.Policy.Strategy), Failures: failuresOf(o.Policy.Failures),
		Targets: len(o.Servers), WaveCount: waves.Len(), Waves: []plannedWave{},
	}
	for n := range waves.Len() {
		r := waves.At(n)
		shown := min(r.First+r.Count, maxPlanned)
		if r.First >= shown {
			break
		}
		wave := plannedWave{Wave: n, Targets: r.Count}
		for _, s := range o.Servers[r.First:shown] {
			wave.Servers = append(wave.Servers, plannedServer{s.ID, s.Name})
		}
		out.Waves = append(out.Waves, wave)
	}
	for _, s := range deploy.KindDeploy.Steps() {
		out.Steps = append(out.Steps, string(s))
	}
	return ok(out)
}

func strategyOf(s contract.Strategy) strategy {
	out := strategy{
		Type: s.Type, First: s.First, Batch: s.Batch, Pause: period(s.Pause),
		MaxParallel: s.MaxParallel, MinHealthy: s.MinHealthy, Hold: period(s.Hold),
	}
	switch {
	case deploy.StrategyKind(s.Type) == deploy.Serial:
		out.MaxParallel = 1
	case s.MaxParallel == 0:
		out.MaxParallel = deploy.DefaultMaxParallel
	}
	return out
}

func failuresOf(f contract.Failures) failures {
	out := failures{Batch: f.Batch, Total: f.Total, Then: f.Then, Unreachable: unreachableCount}
	if out.Then == "" {
		out.Then = string(deploy.OverrunStops)
	}
	if f.SkipUnreachable {
		out.Unreachable = unreachableSkip
	}
	return out
}

// period is a time as a request says it; "" for none.
func period(ms int64) string {
	if ms == 0 {
		return ""
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
