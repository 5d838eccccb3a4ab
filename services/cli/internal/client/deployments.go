package client

import (
	"context"
	"crypto/rand"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// State is where a deployment, a target or a step stands.
type State string

// The states. openapi.yaml says which of them are of deployments, of targets and of steps.
const (
	Accepted         State = "accepted"
	AwaitingApproval State = "awaiting_approval"
	Scheduled        State = "scheduled"
	Waiting          State = "waiting"
	Pending          State = "pending"
	Running          State = "running"
	Paused           State = "paused"
	Holding          State = "holding"
	Analyzing        State = "analyzing"
	Stopping         State = "stopping"
	Reverting        State = "reverting"
	Succeeded        State = "succeeded"
	Failed           State = "failed"
	Skipped          State = "skipped"
	Cancelled        State = "cancelled"
	Rejected         State = "rejected"
)

// Ended says whether nothing can follow.
func (s State) Ended() bool {
	switch s {
	case Succeeded, Failed, Skipped, Cancelled, Rejected:
		return true
	default:
		return false
	}
}

// Kinds of deployment.
const (
	KindDeploy   = "deploy"
	KindRollback = "rollback"
	KindInit     = "init"
)

// Deployment is a package on its way to servers, or back.
type Deployment struct {
	ID           string            `json:"id"`
	Kind         string            `json:"kind"`
	Project      string            `json:"project,omitempty"`
	Application  string            `json:"application"`
	Path         string            `json:"path"`
	Version      string            `json:"version,omitempty"` // shipped, or gone back to; empty: whatever ran before
	Package      string            `json:"package,omitempty"`
	From         string            `json:"from,omitempty"`        // release that a rollback leaves
	RollbackOf   string            `json:"rollback_of,omitempty"` // deployment that a rollback undoes
	Actor        string            `json:"actor"`
	State        State             `json:"state"`
	Cause        string            `json:"cause,omitempty"`  // why it stands or ended so, for programs
	Reason       string            `json:"reason,omitempty"` // the same for people, where no host says so
	By           string            `json:"by,omitempty"`     // who asked for it to stand so
	Until        *time.Time        `json:"until,omitempty"`  // when it goes on, or is given up, by itself
	Strategy     string            `json:"strategy,omitempty"`
	RetryOf      string            `json:"retry_of,omitempty"` // deployment on whose failed hosts this one tries again
	Batch        string            `json:"batch,omitempty"`    // of the deployments that were asked for together
	Metadata     map[string]string `json:"metadata,omitempty"` // what was noted of it
	Stage        string            `json:"stage,omitempty"`    // what it was made by, by names
	Template     string            `json:"template,omitempty"`
	Group        string            `json:"group,omitempty"`
	RolledBackBy string            `json:"rolled_back_by,omitempty"` // the rollback that takes back, by itself, what it has switched
	Digest       string            `json:"digest,omitempty"`         // of the plan, while it waits for approval
	Targets      int               `json:"targets"`
	Wave         int               `json:"wave"` // from 0
	Waves        int               `json:"waves"`
	Counts       Counts            `json:"counts"`
	AcceptedAt   time.Time         `json:"accepted_at"`
	StartedAt    *time.Time        `json:"started_at,omitempty"`
	EndedAt      *time.Time        `json:"ended_at,omitempty"`
}

// Counts is how many targets are in which state.
type Counts struct {
	Pending   int `json:"pending"`
	Running   int `json:"running"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Cancelled int `json:"cancelled"`
}

// Target is how a deployment stands on one server.
type Target struct {
	Target     int        `json:"target"` // place in the plan, from 0
	Server     string     `json:"server"` // id
	Name       string     `json:"name"`
	Wave       int        `json:"wave"` // from 0
	State      State      `json:"state"`
	Attempt    int        `json:"attempt"`
	Executor   string     `json:"executor,omitempty"`
	Step       string     `json:"step,omitempty"` // the one that runs, or the last that ran
	DoneBytes  int64      `json:"done_bytes,omitempty"`
	TotalBytes int64      `json:"total_bytes,omitempty"` // 0: unknown
	Steps      []Step     `json:"steps"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Release    string     `json:"release,omitempty"`
	Previous   string     `json:"previous,omitempty"`
	Changed    bool       `json:"changed"`
	Note       string     `json:"note,omitempty"`
	Failure    *Failure   `json:"failure,omitempty"`
}

// Step is one step of the last attempt on a server.
type Step struct {
	Step      string     `json:"step"`
	Phase     string     `json:"phase"`
	State     State      `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Note      string     `json:"note,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
}

// Failure is why something failed: a stable code, and a sentence for people.
type Failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// DeploymentCreate is a deployment to make: of a package or a version, to servers by id or name and by label.
type DeploymentCreate struct {
	Project     string            `json:"project,omitempty"`
	Template    string            `json:"template,omitempty"` // of the project: says what is not said here
	Stage       string            `json:"stage,omitempty"`    // of the project
	Application string            `json:"application,omitempty"`
	Package     string            `json:"package,omitempty"`
	Version     string            `json:"version,omitempty"`
	Servers     []string          `json:"servers,omitempty"`
	Selector    map[string]string `json:"selector,omitempty"`
	Group       string            `json:"group,omitempty"`
	Place
	Keep       int        `json:"keep,omitempty"` // 0: as the gateway does
	Remove     []string   `json:"remove,omitempty"`
	Approval   *Approval  `json:"approval,omitempty"`
	StartAt    *time.Time `json:"start_at,omitempty"`
	Deadline   string     `json:"deadline,omitempty"`
	SkipChecks bool       `json:"skip_checks,omitempty"` // no checks are made
	DryRun     bool       `json:"dry_run,omitempty"`     // for Plan, which sets it
	WhenBusy   string     `json:"when_busy,omitempty"`   // wait or refuse; empty: as the gateway does
	Work
	Course
}

// RollbackCreate says how to roll a deployment back.
type RollbackCreate struct {
	To      string   `json:"to,omitempty"`      // empty: what ran before
	Servers []string `json:"servers,omitempty"` // ids or names; none: all of the deployment
	Course
}

// InitCreate says what the supervisors of servers are to know of an application.
type InitCreate struct {
	Project  string            `json:"project,omitempty"`
	Servers  []string          `json:"servers,omitempty"`
	Selector map[string]string `json:"selector,omitempty"`
	Group    string            `json:"group,omitempty"`
	Place
	Supervisor Programs `json:"supervisor"`
	WhenBusy   string   `json:"when_busy,omitempty"` // wait or refuse; empty: as the gateway does
	Course
}

// Programs is the configuration of a supervisord for an application.
type Programs struct {
	Content string `json:"content"`
	Socket  string `json:"socket,omitempty"` // empty: as the gateway does
}

// RetryCreate says how to try again.
type RetryCreate struct {
	All      bool   `json:"all,omitempty"`       // on all hosts that it was begun on
	WhenBusy string `json:"when_busy,omitempty"` // wait or refuse; empty: as the gateway does
	Course
}

// Deploy asks for a deployment. When it returns one, that is durable and will run.
func (c *Client) Deploy(ctx context.Context, d DeploymentCreate) (Deployment, error) {
	var made Deployment
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/deployments", key: newKey(), json: d, into: &made})
	return made, err
}

// RollBack asks for a finished deployment to be rolled back, by a deployment of its own.
func (c *Client) RollBack(ctx context.Context, id string, r RollbackCreate) (Deployment, error) {
	var made Deployment
	err := c.do(ctx, call{method: http.MethodPost, path: deploymentPath(id) + "/rollback", key: newKey(), json: r, into: &made})
	return made, err
}

// Init asks to have the supervisors of servers know an application, by a deployment of its own.
func (c *Client) Init(ctx context.Context, application string, i InitCreate) (Deployment, error) {
	var made Deployment
	path := "/v1/applications/" + url.PathEscape(application) + "/init"
	err := c.do(ctx, call{method: http.MethodPost, path: path, key: newKey(), json: i, into: &made})
	return made, err
}

// Retry asks for another try on the hosts that a deployment failed on, by a deployment of its own.
func (c *Client) Retry(ctx context.Context, id string, r RetryCreate) (Deployment, error) {
	var made Deployment
	err := c.do(ctx, call{method: http.MethodPost, path: deploymentPath(id) + "/retry", key: newKey(), json: r, into: &made})
	return made, err
}

// Deployment reads how a deployment stands.
func (c *Client) Deployment(ctx context.Context, id string) (Deployment, error) {
	var d Deployment
	err := c.do(ctx, call{method: http.MethodGet, path: deploymentPath(id), into: &d})
	return d, err
}

// DeploymentsQuery says which deployments are listed. What is empty restricts nothing.
type DeploymentsQuery struct {
	Application string
	Project     string
	State       State
	Actor       string            // name of the token that asked
	Batch       string            // id of deployments that were asked for together
	Stage       string            // name
	Template    string            // name
	Metadata    map[string]string // what was noted of it, all of this
	Server      string            // id or name
	Text        string            // beginnings of words in application, project and version
	From, To    time.Time         // accepted then or later, and before
	OldestFirst bool
}

// Deployments lists deployments, newest first unless it is asked for otherwise, in pages of so many.
func (c *Client) Deployments(ctx context.Context, q DeploymentsQuery, limit int) iter.Seq2[Deployment, error] {
	query := filters(map[string]string{
		"application": q.Application, "project": q.Project, "state": string(q.State), "actor": q.Actor, "batch": q.Batch, "stage": q.Stage, "template": q.Template,
		"server": q.Server,
		"text":   q.Text, "from": timeOf(q.From), "to": timeOf(q.To),
	})
	for name, value := range q.Metadata {
		query.Add("metadata", name+"="+value)
	}
	if q.OldestFirst {
		query.Set("sort", "oldest")
	}
	return all[Deployment](ctx, c, "/v1/deployments", query, min(max(limit, 1), PageLimit))
}

// timeOf writes a time; "" where it is zero.
func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Targets reads one page of how a deployment stands on its servers, in the order of its plan. The first page has no
// cursor. A page may be short, or empty, and still have a next one.
func (c *Client) Targets(ctx context.Context, id, cursor string) (Page[Target], error) {
	return page[Target](ctx, c, deploymentPath(id)+"/targets", nil, PageLimit, cursor)
}

// AllTargets yields how a deployment stands on all of its servers.
func (c *Client) AllTargets(ctx context.Context, id string) iter.Seq2[Target, error] {
	return all[Target](ctx, c, deploymentPath(id)+"/targets", nil, PageLimit)
}

func deploymentPath(id string) string { return "/v1/deployments/" + url.PathEscape(id) }

// newKey returns an Idempotency-Key: one for each thing that is asked for, the same for all repeats of asking.
func newKey() string { return "slipway-" + rand.Text() }
