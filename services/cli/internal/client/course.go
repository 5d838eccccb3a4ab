package client

import (
	"context"
	"net/http"
)

// Course is what every kind of deployment may say about its course.
type Course struct {
	Strategy         *Strategy         `json:"strategy,omitempty"`
	Failures         *Failures         `json:"failures,omitempty"`
	Calendar         *Calendar         `json:"calendar,omitempty"`
	Timeouts         *Timeouts         `json:"timeouts,omitempty"`
	ProgressDeadline string            `json:"progress_deadline,omitempty"` // empty: as the gateway does
	Metadata         map[string]string `json:"metadata,omitempty"`          // what is noted of it
	CallbackURL      string            `json:"callback_url,omitempty"`      // is told of its events
	CallbackSecret   string            `json:"callback_secret,omitempty"`   // signs that; empty: nothing does
	CallbackFormat   string            `json:"callback_format,omitempty"`   // what that is told in; empty: events
}

// Calendar is when hosts may begin.
type Calendar struct {
	Zone    string   `json:"zone,omitempty"` // empty: UTC
	Windows []Window `json:"windows"`
	Except  []string `json:"except,omitempty"` // days, such as 2026-12-24
}

// Window is a time of day on some days of the week. One that ends at or before the minute at which it begins ends on
// the day after.
type Window struct {
	Days []string `json:"days,omitempty"` // mon to sun; none: all
	From string   `json:"from"`           // 22:00
	To   string   `json:"to"`
}

// Timeouts bound the work on one host. Empty: as the executors do.
type Timeouts struct {
	Host string `json:"host,omitempty"`
	Step string `json:"step,omitempty"`
}

// Strategy says in which waves, and how fast. Amounts are "12" or "25%", durations "30s" or "2h".
type Strategy struct {
	Type        string    `json:"type"`                   // all, serial, rolling, canary or blueGreen
	First       string    `json:"first,omitempty"`        // canary: amount of the first wave
	Batch       string    `json:"batch,omitempty"`        // rolling, canary: amount of each other wave
	Pause       string    `json:"pause,omitempty"`        // between waves
	MaxParallel int       `json:"max_parallel,omitempty"` // 0: as the gateway does
	MinHealthy  string    `json:"min_healthy,omitempty"`
	Hold        string    `json:"hold,omitempty"`     // canary: how long a person's verdict is waited for
	Analysis    *Analysis `json:"analysis,omitempty"` // canary: measurements that judge it, before a person does
	OrderBy     string    `json:"order_by,omitempty"` // label in whose order hosts are taken
	BlueGreen
}

// Failures says how many hosts may fail.
type Failures struct {
	Batch       string `json:"batch,omitempty"` // of one wave
	Total       string `json:"total,omitempty"` // of all hosts
	Then        string `json:"then,omitempty"`  // stop, pause or rollback
	Unreachable string `json:"unreachable,omitempty"`
}

// Approval asks for the word of a person before anything begins.
type Approval struct {
	NotRequester bool   `json:"not_requester,omitempty"`
	ExpiresIn    string `json:"expires_in,omitempty"` // empty: as the gateway does
}

// Plan is what a deployment would do.
type Plan struct {
	Project          string        `json:"project,omitempty"`
	Application      string        `json:"application"`
	Version          string        `json:"version"`
	Path             string        `json:"path"`
	Digest           string        `json:"digest"`
	Strategy         Strategy      `json:"strategy"`
	Failures         Failures      `json:"failures"`
	Calendar         *Calendar     `json:"calendar,omitempty"`
	Timeouts         *Timeouts     `json:"timeouts,omitempty"`
	ProgressDeadline string        `json:"progress_deadline"`
	WhenBusy         string        `json:"when_busy"`
	Targets          int           `json:"targets"`
	WaveCount        int           `json:"wave_count"`
	Waves            []PlannedWave `json:"waves"` // as far as they are shown
	Steps            []string      `json:"steps"`
}

// PlannedWave is one wave of a plan, with its servers as far as they are shown.
type PlannedWave struct {
	Wave    int             `json:"wave"`            // from 0
	Role    string          `json:"role,omitempty"`  // blueGreen: new, balancer or old
	Steps   []string        `json:"steps,omitempty"` // of a role
	Targets int             `json:"targets"`
	Servers []PlannedServer `json:"servers"`
}

// PlannedServer is a server of a plan.
type PlannedServer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Plan asks what a deployment would do. Nothing is accepted.
func (c *Client) Plan(ctx context.Context, d DeploymentCreate) (Plan, error) {
	d.DryRun = true
	var p Plan
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/deployments", json: d, into: &p})
	return p, err
}

// Verbs that can be asked of a deployment that is under way.
const (
	Cancel  = "cancel"
	Pause   = "pause"
	Resume  = "resume"
	Promote = "promote"
	Reject  = "reject"
	Approve = "approve"
)

// Control is what is said along with a verb.
type Control struct {
	Digest string `json:"digest,omitempty"` // Approve: of the plan that was seen
	Reason string `json:"reason,omitempty"`
}

// Skip names hosts that a deployment is to leave out.
type Skip struct {
	Servers []string `json:"servers"` // ids, or the names that they had then
	Reason  string   `json:"reason,omitempty"`
}

// Skip has hosts left out that a deployment has not begun on. Where it is too late for some, it fails with their names,
// and the others are left out all the same.
func (c *Client) Skip(ctx context.Context, id string, hosts Skip) (Controlled, error) {
	var done Controlled
	err := c.do(ctx, call{method: http.MethodPost, path: deploymentPath(id) + "/skip", key: newKey(), json: hosts, into: &done})
	return done, err
}

// Controlled is where a deployment stands after a verb.
type Controlled struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	Cause string `json:"cause,omitempty"`
}

// Control asks what the verb says of a deployment. When it returns without an error, that is durable.
func (c *Client) Control(ctx context.Context, id, verb string, with Control) (Controlled, error) {
	var done Controlled
	err := c.do(ctx, call{method: http.MethodPost, path: deploymentPath(id) + "/" + verb, key: newKey(), json: with, into: &done})
	return done, err
}
