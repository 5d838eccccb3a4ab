package apitest

import (
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Fault is why, and in which step, a host fails.
type Fault struct {
	Step   string
	Code   string
	Reason string
}

// Fail makes the host of this name fail from now on.
func (g *Gateway) Fail(name string, f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures[name] = f
}

// Hold stops all hosts where they are; Release lets them go on.
func (g *Gateway) Hold() { g.setHeld(true) }

// Release lets hosts go on.
func (g *Gateway) Release() { g.setHeld(false) }

// Slow lets each host have one event between two looks instead of four: nothing happens unseen.
func (g *Gateway) Slow() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pace = 1
}

func (g *Gateway) setHeld(held bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = held
}

// deployment is one with its hosts.
type deployment struct {
	client.Deployment
	targets []client.Target
	said    []client.OutputLine
	holds   bool // after the first wave, for a verdict
	reverts bool // where a host fails
}

// tick moves every host of the current wave on by some events, and the deployment by what follows.
func (g *Gateway) tick(d *deployment) {
	now := time.Now().UTC()
	if d.State == client.Reverting && !g.held {
		d.State, d.EndedAt = client.Failed, &now
	}
	if g.held || d.State != client.Accepted && d.State != client.Running {
		return
	}
	if d.State == client.Accepted {
		d.State, d.StartedAt = client.Running, &now
	}
	open := false
	for i := range d.targets {
		t := &d.targets[i]
		for range g.pace {
			if t.Wave == d.Wave && !t.State.Ended() {
				g.advance(d, t, now)
			}
		}
		open = open || t.Wave == d.Wave && !t.State.Ended()
	}
	d.count()
	switch {
	case open:
	case d.Wave < d.Waves-1 && d.Counts.Failed == 0:
		d.Wave++
		if d.Wave == 1 && d.holds {
			until := now.Add(time.Hour)
			d.State, d.Cause, d.Until = client.Holding, "canary", &until
		}
	default:
		g.conclude(d, now)
	}
}

func (g *Gateway) conclude(d *deployment, now time.Time) {
	d.finish(client.Skipped, now)
	d.State = client.Succeeded
	switch {
	case d.Counts.Failed > 0 && d.reverts:
		d.State, d.Cause, d.EndedAt, d.RolledBackBy = client.Reverting, "budget_spent", nil, g.next()
	case d.Counts.Failed > 0:
		d.State = client.Failed
	}
}

func (d *deployment) count() {
	d.Counts = client.Counts{}
	for _, t := range d.targets {
		switch t.State {
		case client.Running:
			d.Counts.Running++
		case client.Succeeded:
			d.Counts.Succeeded++
		case client.Failed:
			d.Counts.Failed++
		case client.Skipped:
			d.Counts.Skipped++
		case client.Cancelled:
			d.Counts.Cancelled++
		default:
			d.Counts.Pending++
		}
	}
}

const packageSize = 20_000_000

// advance moves one host on: into its next step, through the bytes of a transfer, out of a step, or to its end.
func (g *Gateway) advance(d *deployment, t *client.Target, now time.Time) {
	steps := []client.Step{{Step: "connect", Phase: "pre"}, {Step: "stage", Phase: "pre"}, {Step: "switch", Phase: "deploy"}, {Step: "clean", Phase: "post"}}
	switch d.Kind {
	case client.KindRollback:
		steps = []client.Step{steps[0], steps[2], steps[3]}
	case client.KindInit:
		steps = []client.Step{steps[0], {Step: "setup", Phase: "deploy"}}
	}
	if t.State == client.Pending {
		t.State, t.Attempt, t.Executor, t.StartedAt = client.Running, 1, "executor-1", &now
	}
	last := len(t.Steps) - 1
	if last < 0 || t.Steps[last].State != client.Running {
		if len(t.Steps) == len(steps) {
			g.succeed(d, t, now)
			return
		}
		s := steps[len(t.Steps)]
		s.State, s.StartedAt = client.Running, now
		t.Steps = append(append([]client.Step{}, t.Steps...), s)
		t.Step, t.DoneBytes, t.TotalBytes = s.Step, 0, 0
		g.say(d, t, s.Step, now)
		return
	}
	t.Steps = append([]client.Step{}, t.Steps...)
	s := &t.Steps[last]
	if f, fails := g.failures[t.Name]; fails && f.Step == s.Step {
		failure := &client.Failure{Code: f.Code, Reason: f.Reason}
		s.State, s.EndedAt, s.Failure = client.Failed, &now, failure
		t.State, t.EndedAt, t.Failure = client.Failed, &now, failure
		return
	}
	if s.Step == "stage" && t.DoneBytes < packageSize {
		t.TotalBytes, t.DoneBytes = packageSize, t.DoneBytes+packageSize/4
		return
	}
	s.State, s.EndedAt = client.Succeeded, &now
}

// succeed ends a host well: what it holds now is what GET /v1/releases says.
func (g *Gateway) succeed(d *deployment, t *client.Target, now time.Time) {
	apps := g.running[t.Server]
	if apps == nil {
		apps = map[string]client.ServerReleases{}
		g.running[t.Server] = apps
	}
	if d.Kind == client.KindInit {
		t.State, t.EndedAt, t.Note = client.Succeeded, &now, "the supervisor took up "+d.Application
		return
	}
	holds := apps[d.Application]
	t.State, t.EndedAt, t.Previous = client.Succeeded, &now, holds.Current
	to := d.Version
	if d.Kind == client.KindRollback && to == "" {
		to = holds.Previous
	}
	switch {
	case d.Kind == client.KindRollback && holds.Current != d.From:
		t.Note = "runs " + holds.Current + ", which is not what is rolled back"
	case holds.Current != to:
		t.Changed = true
		holds.Previous, holds.Current = holds.Current, to
	}
	t.Release = holds.Current
	if d.Kind == client.KindDeploy {
		holds.Releases = append(holds.Releases, client.Release{Version: to, SHA256: "00"})
	}
	apps[d.Application] = holds
}
