package follow

import (
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Change is one thing that happened: to a step on a host, to a host, or to the deployment as a whole. It is what
// `watch --output json` writes, one a line.
type Change struct {
	Time         time.Time       `json:"time"`
	Deployment   string          `json:"deployment"` // id
	Server       string          `json:"server,omitempty"`
	Name         string          `json:"name,omitempty"` // of the server; empty: it is about the deployment
	Step         string          `json:"step,omitempty"` // empty: it is about the server, or the deployment
	State        client.State    `json:"state"`
	Attempt      int             `json:"attempt,omitempty"`
	Release      string          `json:"release,omitempty"` // that runs there now
	Previous     string          `json:"previous,omitempty"`
	Changed      bool            `json:"changed,omitempty"` // the deployment changed what runs
	Note         string          `json:"note,omitempty"`
	Failure      *client.Failure `json:"failure,omitempty"`
	Cause        string          `json:"cause,omitempty"`          // why the deployment stands so, for programs
	Reason       string          `json:"reason,omitempty"`         // the same for people
	By           string          `json:"by,omitempty"`             // who asked for that
	Until        *time.Time      `json:"until,omitempty"`          // when it goes on, or is given up, by itself
	RolledBackBy string          `json:"rolled_back_by,omitempty"` // the rollback that takes back what the deployment has switched
	Wave         int             `json:"wave"`                     // from 0
	Waves        int             `json:"waves,omitempty"`
	Counts       *client.Counts  `json:"counts,omitempty"`
}

// Differ finds what changed from one snapshot to the next. At first, that is everything that happened so far.
type Differ struct {
	deployment client.Deployment
	targets    map[string]client.Target // by server id
}

// Changes returns what is new in the snapshot: of each host in the order of the plan, then of the deployment.
func (d *Differ) Changes(s Snapshot) []Change {
	if d.targets == nil {
		d.targets = make(map[string]client.Target, s.Deployment.Targets)
	}
	var changes []Change
	now, was := s.Deployment, d.deployment
	begun := now.State != was.State || now.Wave != was.Wave || now.Cause != was.Cause || now.Reason != was.Reason ||
		now.RolledBackBy != was.RolledBackBy
	if begun && !s.Deployment.State.Ended() {
		changes = append(changes, ofDeployment(s.Deployment))
	}
	for _, t := range s.Targets {
		changes = append(changes, ofTarget(s.Deployment, d.targets[t.Server], t)...)
		d.targets[t.Server] = t
	}
	if begun && s.Deployment.State.Ended() {
		changes = append(changes, ofDeployment(s.Deployment))
	}
	d.deployment = s.Deployment
	return changes
}

func ofDeployment(d client.Deployment) Change {
	c := Change{Time: d.AcceptedAt, Deployment: d.ID, State: d.State, Wave: d.Wave, Waves: d.Waves, Counts: &d.Counts}
	c.Cause, c.Reason, c.By, c.Until, c.RolledBackBy = d.Cause, d.Reason, d.By, d.Until, d.RolledBackBy
	if d.StartedAt != nil {
		c.Time = *d.StartedAt
	}
	if d.EndedAt != nil {
		c.Time = *d.EndedAt
	}
	return c
}

// ofTarget returns what happened on a host between two looks at it, with the steps that began and ended in between.
func ofTarget(d client.Deployment, before, now client.Target) []Change {
	base := Change{
		Time: d.AcceptedAt, Deployment: d.ID,
		Server: now.Server, Name: now.Name, Wave: now.Wave, Attempt: now.Attempt,
	}
	known := map[string]client.State{}
	if before.Attempt == now.Attempt {
		for _, s := range before.Steps {
			known[s.Step] = s.State
		}
	}
	var changes []Change
	if now.Attempt > 1 && now.Attempt != before.Attempt && now.State == client.Running {
		c := base
		c.State, c.Note = client.Running, "begins again: the attempt before was cut short"
		if len(now.Steps) > 0 {
			c.Time = now.Steps[0].StartedAt // that of the target is the first attempt's
		}
		changes = append(changes, c)
	}
	for _, s := range now.Steps {
		if known[s.Step] == s.State {
			continue
		}
		c := base
		c.Time, c.Step, c.State, c.Note, c.Failure = s.StartedAt, s.Step, s.State, s.Note, s.Failure
		if s.EndedAt != nil {
			c.Time = *s.EndedAt
		}
		changes = append(changes, c)
	}
	if now.State.Ended() && !before.State.Ended() {
		c := base
		c.State, c.Note, c.Failure = now.State, now.Note, now.Failure
		c.Release, c.Previous, c.Changed = now.Release, now.Previous, now.Changed
		if now.EndedAt != nil {
			c.Time = *now.EndedAt
		}
		changes = append(changes, c)
	}
	return changes
}
