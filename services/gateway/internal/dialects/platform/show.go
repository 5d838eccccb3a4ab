package platform

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

const (
	lines    = 5000   // of a log, the last; as many as are kept of one server
	mostEach = 10_000 // targets of one deployment
)

// native is a deployment as Slipway knows it.
type native struct {
	ID         string            `json:"id"`
	Project    string            `json:"project"`
	Actor      string            `json:"actor"`
	State      string            `json:"state"`
	Reason     string            `json:"reason"`
	Metadata   map[string]string `json:"metadata"`
	AcceptedAt time.Time         `json:"accepted_at"`
	StartedAt  *time.Time        `json:"started_at"`
	EndedAt    *time.Time        `json:"ended_at"`
}

// ours says whether it was asked for in the dialect. A rollback or a retry of such a one
// was not; nor was one with a number that another dialect has given it.
func (d native) ours() bool { return d.Project == project && d.Metadata[notePath] != "" }

// deployment is one as clients know it, in a list.
type deployment struct {
	ID         uint64     `json:"id"`
	Name       string     `json:"name"`
	ServerID   uint64     `json:"server_id"` // the first
	Repository string     `json:"repository"`
	Branch     string     `json:"branch"`
	Path       string     `json:"path"`
	Status     int        `json:"status"`
	Creator    string     `json:"creator"`
	CreatedAt  time.Time  `json:"created_at"`
	StartTime  *time.Time `json:"start_time"`
	EndTime    *time.Time `json:"end_time"`
}

func (d native) row(number uint64) deployment {
	server, _ := strconv.ParseUint(d.Metadata[noteServer], 10, 64) // noted so
	return deployment{
		ID: number, Name: d.Metadata[noteName], ServerID: server, Repository: d.Metadata[noteRepository], Branch: d.Metadata[noteBranch],
		Path: d.Metadata[notePath], Status: statusOf(d.State), Creator: d.Actor,
		CreatedAt: d.AcceptedAt, StartTime: d.StartedAt, EndTime: d.EndedAt,
	}
}

// details is a deployment with all that is known of it.
type details struct {
	deployment
	Reason     string      `json:"reason,omitempty"` // why it stands, or ended, so, where no execution says that
	Server     server      `json:"server"`           // the first
	Servers    []server    `json:"servers"`
	Executions []execution `json:"executions"`
	Logs       []entry     `json:"logs"`
}

// execution is what the script of a deployment does on one server.
type execution struct {
	ID        uint64     `json:"id"`
	TaskID    uint64     `json:"task_id"`
	ServerID  uint64     `json:"server_id"`
	Status    int        `json:"status"`
	Output    string     `json:"output"`
	Error     string     `json:"error"`
	StartTime *time.Time `json:"start_time"`
	EndTime   *time.Time `json:"end_time"`
	Duration  int        `json:"duration"` // in seconds, rounded up; 0 until it has ended
}

// entry is a line of the log of a deployment.
type entry struct {
	Level     string    `json:"level"` // info, warn or error
	Message   string    `json:"message"`
	Timestamp time.Time `json:"timestamp"`
	ServerID  uint64    `json:"server_id"`
}

// target is a native one.
type target struct {
	dialects.Target
	Place     int        `json:"target"`
	Name      string     `json:"name"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

// line is one of native output.
type line struct {
	Server string    `json:"server"`
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"`
	Level  string    `json:"level"`
	Text   string    `json:"text"`
}

// ofSlipway is the stream of Slipway's own words.
const ofSlipway = "slipway"

// told says whether the line is a part of the log: what begins is not, as there is but one
// script.
func (l line) told() bool { return l.Stream != ofSlipway || l.Level != "info" }

// executionOf returns the execution on a target. A deployment is one task, and has at most
// so many executions that the numbers of two never meet.
func executionOf(t target, number, server uint64) execution {
	e := execution{
		ID: number*mostEach + uint64(t.Place), TaskID: number, ServerID: server, Status: statusOf(t.State), Error: why(t.Failure),
		StartTime: t.StartedAt, EndTime: t.EndedAt,
	}
	if t.StartedAt != nil && t.EndedAt != nil {
		e.Duration = int((t.EndedAt.Sub(*t.StartedAt) + time.Second - 1) / time.Second)
	}
	return e
}

func why(f *dialects.Failure) string {
	if f == nil {
		return ""
	}
	return f.Code + ": " + f.Reason
}

// find reads the deployment with the number in the path. One that is not ours is none.
func find(ctx context.Context, r *dialects.Request) (number uint64, d native, err error) {
	number, id, err := named(ctx, r, numbers.Deployment)
	if err != nil {
		return 0, native{}, err
	}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/deployments/:id", Params: []string{id}}, &d); err != nil {
		return 0, native{}, err
	}
	if !d.ours() {
		return 0, native{}, numbers.ErrNone
	}
	return number, d, nil
}

// show answers with how a deployment stands, and what was said in it.
func show(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	number, d, err := find(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	all, err := targets(ctx, r, d.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	out := details{deployment: d.row(number), Reason: d.Reason, Servers: []server{}, Executions: []execution{}, Logs: []entry{}}
	given, err := serverNumbers(ctx, r, all)
	if err != nil {
		return dialects.Reply{}, err
	}
	said, err := output(ctx, r, d.ID)
	if err != nil {
		return dialects.Reply{}, err
	}
	if err := out.onServers(ctx, r, all, given); err != nil {
		return dialects.Reply{}, err
	}
	out.tell(all, said, given)
	for _, t := range all {
		e := executionOf(t, number, given[t.Server])
		e.Output = textOf(said, t.Server)
		out.Executions = append(out.Executions, e)
	}
	return ok(out), nil
}

func targets(ctx context.Context, r *dialects.Request, id string) ([]target, error) {
	return dialects.All[target](ctx, r, dialects.Operation{Route: "GET /v1/deployments/:id/targets", Params: []string{id}})
}

func serverNumbers(ctx context.Context, r *dialects.Request, all []target) (map[string]uint64, error) {
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = t.Server
	}
	return r.Numbers(ctx, numbers.Server, ids...)
}

// output reads what was said on the servers of a deployment, the last of it.
func output(ctx context.Context, r *dialects.Request, id string) ([]line, error) {
	var page struct {
		Items []line `json:"items"`
	}
	query := url.Values{"tail": {strconv.Itoa(lines)}}
	err := r.Do(ctx, dialects.Operation{Route: "GET /v1/deployments/:id/logs", Params: []string{id}, Query: query}, &page)
	return page.Items, err
}

// textOf is what the script wrote on a server.
func textOf(said []line, server string) string {
	var text strings.Builder
	for _, l := range said {
		if l.Server == server && l.Stream != ofSlipway {
			text.WriteString(l.Text + "\n")
		}
	}
	return text.String()
}

// onServers names the servers as they are now; one that is gone, as it was.
func (out *details) onServers(ctx context.Context, r *dialects.Request, all []target, given map[string]uint64) error {
	known := map[string]dialects.Server{}
	there, err := dialects.All[dialects.Server](ctx, r, dialects.Operation{Route: "GET /v1/servers"})
	for _, s := range there {
		known[s.ID] = s
	}
	for _, t := range all {
		s, is := known[t.Server]
		if !is {
			s.Name = t.Name
		}
		out.Servers = append(out.Servers, serverOf(s, given[t.Server]))
	}
	if len(out.Servers) > 0 {
		out.Server, out.ServerID = out.Servers[0], out.Servers[0].ID
	}
	return err
}

// tell makes the log: what was said, and why servers failed of which nothing says it.
func (out *details) tell(all []target, said []line, given map[string]uint64) {
	explained := map[string]bool{}
	for _, l := range said {
		if !l.told() {
			continue
		}
		explained[l.Server] = explained[l.Server] || l.Level == levelError
		out.Logs = append(out.Logs, entry{l.Level, l.Text, l.Time, given[l.Server]})
	}
	for _, t := range all {
		if t.Failure != nil && !explained[t.Server] {
			out.Logs = append(out.Logs, entry{levelError, why(t.Failure), *cmp.Or(t.EndedAt, &time.Time{}), given[t.Server]})
		}
	}
	slices.SortStableFunc(out.Logs, func(a, b entry) int { return a.Timestamp.Compare(b.Timestamp) })
}

const levelError = "error"
