package apitest

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Digest is that of every plan of this gateway.
var Digest = strings.Repeat("d1", 32)

// wavesOf is in which wave each of so many servers is. It knows numbers and not shares: a share is one server.
func wavesOf(servers int, s *client.Strategy) []int {
	first, size := 0, servers
	if s != nil {
		switch s.Type {
		case "serial":
			size = 1
		case "rolling":
			size = amount(s.Batch)
		case "canary":
			first = amount(s.First)
			if s.Batch != "" {
				size = amount(s.Batch)
			}
		}
	}
	waves := make([]int, servers)
	for i := range waves {
		switch {
		case i < first:
		case first > 0:
			waves[i] = 1 + (i-first)/size
		default:
			waves[i] = i / size
		}
	}
	return waves
}

func amount(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return n
}

// planOf shows the first three servers.
func planOf(d client.Deployment, on []client.Server, s *client.Strategy) client.Plan {
	p := client.Plan{
		Application: d.Application, Version: d.Version, Path: d.Path, Digest: Digest, Targets: len(on),
		Strategy: client.Strategy{Type: "all", MaxParallel: 100}, Failures: client.Failures{Then: "stop", Unreachable: "count"},
		Steps: []string{"connect", "stage", "switch", "clean"}, ProgressDeadline: "10m0s", WhenBusy: "wait",
	}
	if s != nil {
		p.Strategy.Type, p.Strategy.First, p.Strategy.Batch, p.Failures.Total = s.Type, s.First, s.Batch, "0"
	}
	for i, wave := range wavesOf(len(on), s) {
		p.WaveCount = wave + 1
		switch {
		case i < 3 && wave == len(p.Waves):
			p.Waves = append(p.Waves, client.PlannedWave{Wave: wave, Targets: 1, Servers: []client.PlannedServer{{ID: on[i].ID, Name: on[i].Name}}})
		case wave < len(p.Waves):
			w := &p.Waves[wave]
			w.Targets++
			if i < 3 {
				w.Servers = append(w.Servers, client.PlannedServer{ID: on[i].ID, Name: on[i].Name})
			}
		}
	}
	return p
}

func (g *Gateway) retry(w http.ResponseWriter, r *http.Request, of *deployment, body []byte) {
	var c client.RetryCreate
	decode(body, &c)
	var on []client.Server
	for _, t := range of.targets {
		if t.State == client.Failed {
			on = append(on, client.Server{ID: t.Server, Name: t.Name})
		}
	}
	switch {
	case !of.State.Ended():
		problem(w, r, http.StatusConflict, "not_finished", "the deployment is not finished")
	case on == nil:
		problem(w, r, http.StatusConflict, "nothing_to_do", "the deployment failed on no server")
	default:
		d := of.Deployment
		reply(w, http.StatusAccepted, g.accept(client.Deployment{
			Kind: d.Kind, Application: d.Application, Path: d.Path, Version: d.Version, Package: d.Package,
			From: d.From, RollbackOf: d.RollbackOf, RetryOf: d.ID,
		}, on, c.Strategy))
	}
}

// control does what a scheduler would.
func (g *Gateway) control(w http.ResponseWriter, r *http.Request, d *deployment, body []byte) {
	var c client.Control
	decode(body, &c)
	now := time.Now().UTC()
	verb := path.Base(r.URL.Path)
	switch {
	case d.State.Ended():
		problem(w, r, http.StatusConflict, "state_conflict", "the deployment has ended: "+string(d.State))
		return
	case verb == client.Cancel:
		d.stand(client.Cancelled, "cancelled", c.Reason)
		d.finish(client.Cancelled, now)
	case verb == client.Pause:
		d.stand(client.Paused, "paused_by_person", c.Reason)
	case verb == client.Resume && d.State == client.Paused, verb == client.Promote && d.State == client.Holding:
		d.holds = d.holds && verb != client.Promote
		d.stand(client.Running, "", "")
	case verb == client.Approve && c.Digest == Digest && d.State == client.AwaitingApproval:
		d.stand(client.Running, "", "")
		d.StartedAt, d.Digest = &now, ""
	case verb == client.Reject && d.State == client.AwaitingApproval:
		d.stand(client.Rejected, "not_approved", c.Reason)
		d.finish(client.Skipped, now)
	case verb == client.Reject && d.State == client.Holding:
		d.stand(client.Failed, "canary_rejected", c.Reason)
		d.finish(client.Skipped, now)
	default:
		problem(w, r, http.StatusConflict, "state_conflict", "the deployment is "+string(d.State))
		return
	}
	reply(w, http.StatusOK, client.Controlled{ID: d.ID, State: d.State, Cause: d.Cause})
}

// skip leaves out those that have not begun, unless one is not known.
func (g *Gateway) skip(w http.ResponseWriter, r *http.Request, d *deployment, body []byte) {
	var c client.Skip
	decode(body, &c)
	var chosen []*client.Target
	var late []string
	for _, ref := range c.Servers {
		i := slices.IndexFunc(d.targets, func(t client.Target) bool { return t.Name == ref || t.Server == ref })
		switch {
		case i < 0:
			problem(w, r, http.StatusUnprocessableEntity, "invalid_request", "1 field is not valid",
				client.FieldError{Field: "servers", Message: "is no server of this deployment"})
			return
		case d.targets[i].State != client.Pending:
			late = append(late, ref+" has begun already")
		default:
			chosen = append(chosen, &d.targets[i])
		}
	}
	now := time.Now().UTC()
	for _, t := range chosen {
		t.State, t.EndedAt, t.Note = client.Skipped, &now, c.Reason
	}
	d.count()
	if late != nil {
		problem(w, r, http.StatusConflict, "state_conflict", strings.Join(late, ", "))
		return
	}
	reply(w, http.StatusOK, client.Controlled{ID: d.ID, State: d.State, Cause: d.Cause})
}

func (d *deployment) stand(s client.State, cause, reason string) {
	d.State, d.Cause, d.Reason, d.By, d.Until = s, cause, reason, "", nil
	if cause != "" {
		d.By = "anna"
	}
}

// finish ends every target that has not, as it says, and with them the deployment.
func (d *deployment) finish(s client.State, now time.Time) {
	for i := range d.targets {
		if t := &d.targets[i]; !t.State.Ended() {
			t.State, t.EndedAt = s, &now
		}
	}
	d.count()
	d.EndedAt, d.Digest = &now, ""
}
