package modes

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

const (
	usualList = 50
	mostRead  = 10_000 // deployments that are looked through for a list
	cancelled = "部署已取消"
	wrongList = "必須是 1 到 500 的整數"
)

// status is how a deployment is called to stand.
func (d deployment) status() string {
	switch s := deploy.State(d.State); {
	case s == deploy.Succeeded:
		return "completed"
	case s == deploy.Failed:
		return "failed"
	case s == deploy.Cancelled, s == deploy.Rejected:
		return "cancelled"
	case d.StartedAt == nil:
		return "accepted"
	}
	return "running"
}

func (d deployment) active() bool { return d.EndedAt == nil }

// target is how a deployment stands on one server.
type target struct {
	Name      string     `json:"name"`
	State     string     `json:"state"`
	Step      string     `json:"step"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Note      string     `json:"note"`
	Failure   *failed    `json:"failure"`
	Steps     []step     `json:"steps"`
}

type step struct {
	Step    string     `json:"step"`
	State   string     `json:"state"`
	Started time.Time  `json:"started_at"`
	Ended   *time.Time `json:"ended_at"`
	Note    string     `json:"note"`
	Failure *failed    `json:"failure"`
}

type failed struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

func targets(ctx context.Context, r *dialects.Request, d deployment) ([]target, error) {
	return dialects.All[target](ctx, r, dialects.Operation{Route: "GET /v1/deployments/:id/targets", Params: []string{d.ID}})
}

// standing counts where the servers of a deployment are, and says when the last of them
// has told something.
func standing(d deployment, all []target) (s deploy.Headway, last time.Time) {
	s = deploy.Headway{State: deploy.State(d.State), All: len(all), At: map[deploy.Step]int{}}
	last = d.AcceptedAt
	note := func(at *time.Time) {
		if at != nil && at.After(last) {
			last = *at
		}
	}
	note(d.StartedAt)
	note(d.EndedAt)
	for _, t := range all {
		switch {
		case deploy.State(t.State).Terminal():
			s.Ended++
		case t.Step != "":
			s.At[deploy.Step(t.Step)]++
		}
		note(t.StartedAt)
		note(t.EndedAt)
		for _, one := range t.Steps {
			note(&one.Started)
			note(one.Ended)
		}
	}
	return s, last
}

// shown is a deployment by itself.
type shown struct {
	Deployment string            `json:"deployment_id"`
	Status     string            `json:"status"`
	Mode       string            `json:"mode"`
	Start      string            `json:"start_time"`
	End        string            `json:"end_time,omitempty"`
	Duration   *float64          `json:"duration_seconds,omitempty"`
	Step       string            `json:"current_step"`
	Progress   float64           `json:"progress_percentage"`
	Left       *int              `json:"estimated_time_remaining"` // seconds; null: there are no past runs
	Logs       bool              `json:"logs_available"`
	Active     bool              `json:"is_active"`
	Error      string            `json:"error,omitempty"`
	Metadata   map[string]string `json:"metadata"`
}

func (c Config) status(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	d, err := c.look(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	out := shown{
		Deployment: d.id(), Status: d.status(), Mode: d.mode(), Start: stamp(d.AcceptedAt), Step: d.step, Progress: d.percent,
		Left: d.left, Logs: true, Active: d.active(), Metadata: d.noted(), Duration: d.took(),
	}
	if d.EndedAt != nil {
		out.End = stamp(*d.EndedAt)
	}
	if out.Status == "failed" {
		out.Error = d.Reason
	}
	return ok(out)
}

// took is how many seconds a deployment took that has ended.
func (d deployment) took() *float64 {
	if d.EndedAt == nil {
		return nil
	}
	seconds := float64(d.EndedAt.Sub(d.AcceptedAt).Milliseconds()) / 1000
	return &seconds
}

// looked is a deployment, and how far it is.
type looked struct {
	deployment
	reached
	last time.Time // that something was told of it
	left *int      // seconds; nil: there are no past runs
}

// look finds a deployment, and how far it is. Where it failed, the reason is that of the
// first server that did.
func (c Config) look(ctx context.Context, r *dialects.Request) (l looked, err error) {
	d, err := c.find(ctx, r)
	if err != nil {
		return l, err
	}
	all, err := targets(ctx, r, d)
	if err != nil {
		return l, err
	}
	s, last := standing(d, all)
	for _, t := range all {
		if t.Failure != nil && deploy.State(d.State) == deploy.Failed {
			d.Reason = t.Name + ": " + t.Failure.Code + ": " + t.Failure.Reason
			break
		}
	}
	left, err := c.left(ctx, r, d)
	return looked{d, reach(s), last, left}, err
}

// progressed is how far a deployment is.
type progressed struct {
	Deployment string  `json:"deployment_id"`
	Step       string  `json:"current_step"`
	Progress   float64 `json:"progress_percentage"`
	Completed  int     `json:"completed_steps"`
	Total      int     `json:"total_steps"`
	Left       *int    `json:"estimated_time_remaining"`
	Last       string  `json:"last_update"`
}

func (c Config) progress(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	d, err := c.look(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	return ok(progressed{d.id(), d.step, d.percent, d.stages, stages, d.left, stamp(d.last)})
}

func (c Config) cancel(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	d, err := c.find(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	err = r.Do(ctx, dialects.Operation{Route: "POST /v1/deployments/:id/cancel", Params: []string{d.ID}, Body: map[string]any{}}, nil)
	if err != nil {
		return dialects.Reply{}, err
	}
	return ok(struct {
		Deployment string `json:"deployment_id"`
		Status     string `json:"status"`
		Message    string `json:"message"`
		Cancelled  string `json:"cancelled_at"`
	}{d.id(), "cancelled", cancelled, stamp(time.Now())})
}

// row is a deployment in a list.
type row struct {
	Deployment string            `json:"deployment_id"`
	Status     string            `json:"status"`
	Mode       string            `json:"mode"`
	Start      string            `json:"start_time"`
	End        string            `json:"end_time,omitempty"`
	Duration   *float64          `json:"duration_seconds,omitempty"`
	Active     bool              `json:"is_active"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

// readLimit takes how many a list is to hold.
func readLimit(s *dialects.Said) int {
	if !s.Given("limit") {
		return usualList
	}
	limit := s.Number("limit")
	if limit < 1 || limit > dialects.PageSize {
		s.Wrong("limit", wrongList)
	}
	return limit
}

// list shows the deployments that were begun by this dialect, the newest first; of a batch
// or a status, if that is asked for.
func (c Config) list(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	limit, batch, status := readLimit(r.Said), r.Said.Text("batch_id"), r.Said.Text("status")
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	rows, read := []row{}, 0
	all := dialects.Operation{Route: "GET /v1/deployments", Query: url.Values{"project": {c.Project}, "application": {c.Application}}}
	err := dialects.Each(ctx, r, all, func(d deployment) (more bool) {
		if d.id() != "" && (batch == "" || d.Metadata["batch_id"] == batch) && (status == "" || d.status() == status) {
			rows = append(rows, rowOf(d))
		}
		read++
		return len(rows) < limit && read < mostRead
	})
	if err != nil {
		return dialects.Reply{}, err
	}
	return ok(rows)
}

func rowOf(d deployment) row {
	out := row{
		Deployment: d.id(), Status: d.status(), Mode: d.mode(), Start: stamp(d.AcceptedAt), Duration: d.took(),
		Active: d.active(), Metadata: d.noted(),
	}
	if d.EndedAt != nil {
		out.End = stamp(*d.EndedAt)
	}
	return out
}

// line is what a step has come to on a server, or what was said in it.
type line struct {
	Time    time.Time `json:"timestamp"`
	Level   string    `json:"level"`
	Server  string    `json:"server"`
	Step    string    `json:"step"`
	Message string    `json:"message"`
}

const mostLines = 5000

// logs shows what steps have come to, and the last lines of what was said in them.
func (c Config) logs(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	d, err := c.find(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	all, err := targets(ctx, r, d)
	if err != nil {
		return dialects.Reply{}, err
	}
	var said struct {
		Items []struct {
			Time  time.Time `json:"time"`
			Level string    `json:"level"`
			Name  string    `json:"name"`
			Step  string    `json:"step"`
			Text  string    `json:"text"`
		} `json:"items"`
	}
	query := url.Values{"tail": {strconv.Itoa(mostLines)}}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/deployments/:id/logs", Params: []string{d.ID}, Query: query}, &said); err != nil {
		return dialects.Reply{}, err
	}
	lines := []line{}
	for _, one := range said.Items {
		lines = append(lines, line{one.Time, one.Level, one.Name, one.Step, one.Text})
	}
	for _, t := range all {
		lines = append(lines, t.lines()...)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Server, b.Server)) })
	return dialects.Reply{Status: http.StatusOK, Body: map[string]any{"deployment_id": d.id(), "logs": lines}}, nil
}

// lines tell of the steps of a server.
func (t target) lines() []line {
	var all []line
	for _, s := range t.Steps {
		name := places[deploy.Step(s.Step)].name
		all = append(all, line{s.Started, "info", t.Name, s.Step, name + ": 開始"})
		switch {
		case s.Ended == nil:
		case s.Failure != nil:
			all = append(all, line{*s.Ended, "error", t.Name, s.Step, name + ": 失敗: " + s.Failure.Code + ": " + s.Failure.Reason})
		case s.Note != "":
			all = append(all, line{*s.Ended, "info", t.Name, s.Step, name + ": 完成: " + s.Note})
		default:
			all = append(all, line{*s.Ended, "info", t.Name, s.Step, name + ": 完成"})
		}
	}
	return all
}
