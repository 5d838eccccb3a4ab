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
	Project     string             `json:"project,omitempty"`
	Application string             `json:"application"`
	Version     string             `json:"version"`
	Path        string             `json:"path"`
	Digest      string             `json:"digest"`
	Strategy    strategy           `json:"strategy"`
	Failures    failures           `json:"failures"`
	Calendar    *contract.Calendar `json:"calendar,omitempty"` // said as on the wire
	Timeouts    *timeouts          `json:"timeouts,omitempty"`
	Progress    string             `json:"progress_deadline"`
	WhenBusy    string             `json:"when_busy"`
	Targets     int                `json:"targets"`
	WaveCount   int                `json:"wave_count"`
	Waves       []plannedWave      `json:"waves"` // as far as maxPlanned servers
	Steps       []string           `json:"steps"` // on each server
}

type plannedWave struct {
	Wave    int             `json:"wave"`
	Role    string          `json:"role,omitempty"`
	Steps   []string        `json:"steps,omitempty"` // of a role, on each server
	Targets int             `json:"targets"`
	Servers []plannedServer `json:"servers"`
}

type plannedServer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// strategy, failures and timeouts are what was asked for, with what was left out.
type strategy struct {
	Type        string    `json:"type"`
	First       string    `json:"first,omitempty"`
	Batch       string    `json:"batch,omitempty"`
	Pause       string    `json:"pause,omitempty"`
	MaxParallel int       `json:"max_parallel"`
	MinHealthy  string    `json:"min_healthy,omitempty"`
	Hold        string    `json:"hold,omitempty"`
	Analysis    *analysis `json:"analysis,omitempty"`
	OrderBy     string    `json:"order_by,omitempty"`
	*blueGreen
}

type failures struct {
	Batch       string `json:"batch,omitempty"`
	Total       string `json:"total,omitempty"`
	Then        string `json:"then"`
	Unreachable string `json:"unreachable"`
}

type timeouts struct {
	Host string `json:"host,omitempty"`
	Step string `json:"step,omitempty"`
}

func planOf(o deployments.Order, p contract.Package, w course) (answer, error) {
	waves := deployments.Waves(o.Policy, len(o.Servers))
	out := plan{
		Project: o.Project, Application: o.Application.Name, Version: p.Version, Path: o.Application.Path,
		Digest: deployments.Digest(o, p), Strategy: strategyOf(o.Policy.Strategy, w), Failures: failuresOf(o.Policy.Failures),
		Calendar: o.Policy.Calendar, Timeouts: timeoutsOf(o.Policy.Limits), Progress: period(o.Policy.Progress), WhenBusy: BusyWait,
		Targets: len(o.Servers), WaveCount: waves.Len(), Waves: []plannedWave{},
		Steps: stepsOf("", o.Work),
	}
	if w.refuse {
		out.WhenBusy = BusyRefuse
	}
	for n := range waves.Len() {
		r := waves.At(n)
		shown := min(r.First+r.Count, maxPlanned)
		if r.First >= shown {
			break
		}
		wave := plannedWave{Wave: n, Targets: r.Count}
		if sets := o.Policy.Strategy.Sets; len(sets) > 0 {
			wave.Role, wave.Steps = sets[n].Role, stepsOf(sets[n].Role, o.Work)
		}
		for _, s := range o.Servers[r.First:shown] {
			wave.Servers = append(wave.Servers, plannedServer{s.ID, s.Name})
		}
		out.Waves = append(out.Waves, wave)
	}
	return ok(out)
}

func strategyOf(s contract.Strategy, w course) strategy {
	out := strategy{
		Type: s.Type, First: s.First, Batch: s.Batch, Pause: period(s.Pause),
		MaxParallel: s.MaxParallel, MinHealthy: s.MinHealthy, Hold: period(s.Hold),
		Analysis: analysisOf(s.Analysis), OrderBy: w.orderBy, blueGreen: w.sets,
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

func timeoutsOf(l *contract.JobLimits) *timeouts {
	if l == nil {
		return nil
	}
	return &timeouts{Host: period(l.Host), Step: period(l.Step)}
}

// period is a time as a request says it; "" for none.
func period(ms int64) string {
	if ms == 0 {
		return ""
	}
	return (time.Duration(ms) * time.Millisecond).String()
}
