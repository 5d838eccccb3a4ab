package api

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/events"
)

// The states that lists can be filtered by.
var (
	deploymentStates = stateNames(deploy.OfDeployment.States())
	targetStates     = stateNames(deploy.OfTarget.States())
)

func stateNames(states []deploy.State) []string {
	texts := make([]string, len(states))
	for i, s := range states {
		texts[i] = string(s)
	}
	return texts
}

// deployment is a deployment as it is sent.
type deployment struct {
	ID           string            `json:"id"`
	Kind         string            `json:"kind"`
	Project      string            `json:"project,omitempty"`
	Application  string            `json:"application"`
	Path         string            `json:"path"`
	Version      string            `json:"version,omitempty"`
	Package      string            `json:"package,omitempty"`
	From         string            `json:"from,omitempty"`
	RollbackOf   string            `json:"rollback_of,omitempty"`
	Actor        string            `json:"actor"`
	State        string            `json:"state"`
	Cause        string            `json:"cause,omitempty"`  // why it stands or ended so, for programs
	Reason       string            `json:"reason,omitempty"` // the same for people
	By           string            `json:"by,omitempty"`     // who asked for it to stand so
	Until        *time.Time        `json:"until,omitempty"`  // when it goes on, or is given up, by itself
	Strategy     string            `json:"strategy,omitempty"`
	RetryOf      string            `json:"retry_of,omitempty"`
	Batch        string            `json:"batch,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	Stage        string            `json:"stage,omitempty"` // names, as they were said when it was accepted
	Template     string            `json:"template,omitempty"`
	Group        string            `json:"group,omitempty"`
	RolledBackBy string            `json:"rolled_back_by,omitempty"` // the rollback that takes back what it has switched
	Digest       string            `json:"digest,omitempty"`         // of the plan, while it may be approved
	Targets      int               `json:"targets"`
	Wave         int               `json:"wave"`
	Waves        int               `json:"waves"`
	Counts       counts            `json:"counts"`
	AcceptedAt   time.Time         `json:"accepted_at"`
	StartedAt    *time.Time        `json:"started_at,omitempty"`
	EndedAt      *time.Time        `json:"ended_at,omitempty"`
}

type counts struct {
	Pending   int `json:"pending"`
	Running   int `json:"running"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Cancelled int `json:"cancelled"`
}

func deploymentOf(d contract.Deployment) deployment {
	return deployment{
		ID: d.ID, Kind: d.Kind, Project: d.Project, Application: d.Application, Path: d.Path, Version: d.Version, Package: d.Package,
		From: d.From, RollbackOf: d.RollbackOf, Actor: d.Actor, State: d.State, Cause: d.Cause, Reason: d.Reason,
		By: d.By, Until: d.Until, Strategy: d.Strategy, RetryOf: d.RetryOf, Batch: d.Batch, Metadata: events.Metadata(d.Metadata), Stage: d.Stage, Template: d.Template, Group: d.Group, RolledBackBy: d.RolledBackBy,
		Targets: d.Targets, Wave: d.Wave, Waves: d.Waves, Counts: counts(d.Counts),
		AcceptedAt: d.AcceptedAt, StartedAt: d.StartedAt, EndedAt: d.EndedAt,
	}
}

func (a *API) getDeployment(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	d, err := a.Deployments.Get(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	out, err := a.withDigest(c, d)
	if err != nil {
		return answer{}, err
	}
	return ok(out)
}

// withDigest is deploymentOf with the digest that an approval has to name, while
// the deployment may still wait for one: whoever approves is not the one who got
// the plan.
func (a *API) withDigest(c *call, d contract.Deployment) (deployment, error) {
	out := deploymentOf(d)
	if state := deploy.State(d.State); state != deploy.Accepted && state != deploy.AwaitingApproval {
		return out, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	var err error
	out.Digest, err = a.Deployments.ToApprove(ctx, d.ID)
	return out, err
}
