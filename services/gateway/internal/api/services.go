package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/registry"
)

// pingFor bounds how long one replica may take to answer.
const pingFor = time.Second

// service is a service, as it is sent.
type service struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Ready       int       `json:"ready"` // replicas that do their work
	Replicas    []replica `json:"replicas"`
}

type replica struct {
	ID       string                `json:"id"`
	State    contract.ReplicaState `json:"state"`
	Since    *time.Time            `json:"since,omitempty"`
	Seen     *time.Time            `json:"seen_at,omitempty"`
	Version  string                `json:"version,omitempty"`
	Metadata map[string]string     `json:"metadata"`
	Subjects []string              `json:"subjects"`
}

// activeReplica is a replica that was asked what it does.
type activeReplica struct {
	replica
	Service   string     `json:"service"`
	Answers   bool       `json:"answers"`
	Ping      float64    `json:"ping_ms,omitempty"`
	Started   *time.Time `json:"started_at,omitempty"`
	Endpoints []endpoint `json:"endpoints"`
}

type endpoint struct {
	Name     string  `json:"name"`
	Subject  string  `json:"subject"`
	Answered int64   `json:"answered"`
	UnderWay int64   `json:"under_way"`
	Average  float64 `json:"average_ms"`
}

type serviceEvent struct {
	ID      string                `json:"id"`
	At      time.Time             `json:"at"`
	Service string                `json:"service"`
	Replica string                `json:"replica"`
	State   contract.ReplicaState `json:"state"`
	Version string                `json:"version,omitempty"`
	Machine string                `json:"machine,omitempty"`
	By      string                `json:"by,omitempty"`
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func replicaOf(r registry.Replica) replica {
	out := replica{
		ID: r.ID, State: r.State, Since: timeOrNil(r.Since), Seen: timeOrNil(r.Seen), Version: r.Version,
		Metadata: map[string]string{}, Subjects: append([]string{}, r.Subjects...),
	}
	for name, value := range r.Metadata {
		if value != "" {
			out.Metadata[name] = value
		}
	}
	return out
}

// services returns all services, or that of this name, with their replicas.
func (a *API) services(name string) []service {
	all := []service{}
	for _, r := range a.Registry.Replicas() {
		if name != "" && r.Service != name {
			continue
		}
		if len(all) == 0 || all[len(all)-1].Name != r.Service {
			all = append(all, service{Name: r.Service, Replicas: []replica{}})
		}
		s := &all[len(all)-1]
		s.Description = cmp.Or(s.Description, r.Description)
		s.Replicas = append(s.Replicas, replicaOf(r))
		if r.Works() {
			s.Ready++
		}
	}
	return all
}

func (a *API) listServices(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return ok(page[service]{Items: a.services("")})
}

func (a *API) getService(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	found := a.services(c.name("service"))
	if c.name("service") == "" || len(found) == 0 {
		return answer{}, problemf(codeNotFound, "no replica of such a service is known")
	}
	return ok(found[0])
}

// getReplica asks the replica itself.
func (a *API) getReplica(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	for _, r := range a.Registry.Replicas() {
		if r.Service == c.name("service") && r.ID == c.name("replica") {
			out, err := a.active(c.ctx, r)
			if err != nil {
				return answer{}, err
			}
			return ok(out)
		}
	}
	return answer{}, problemf(codeNotFound, "no such replica is known")
}

func (a *API) active(ctx context.Context, r registry.Replica) (activeReplica, error) {
	out := activeReplica{replica: replicaOf(r), Service: r.Service, Endpoints: []endpoint{}}
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	took, err := a.Registry.Ping(ctx, r.Service, r.ID)
	var done bus.Activity
	if err == nil {
		done, err = a.Registry.Activity(ctx, r.Service, r.ID)
	}
	if errors.Is(err, bus.ErrNone) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Answers, out.Ping, out.Started = true, inMilliseconds(took), timeOrNil(done.Started)
	for _, e := range done.Endpoints {
		one := endpoint{Name: e.Name, Subject: e.Subject, Answered: e.Answered, UnderWay: e.UnderWay}
		if e.Answered > 0 {
			one.Average = inMilliseconds(time.Duration(e.Nanoseconds / e.Answered))
		}
		out.Endpoints = append(out.Endpoints, one)
	}
	return out, nil
}

func inMilliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

func (a *API) listServiceEvents(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	f := registry.Filter{Limit: readLimit(q)}
	f.Service, f.Replica = readSubjectToken(c, q, "service"), readSubjectToken(c, q, "replica")
	f.State = contract.ReplicaState(q.OneOf("state", replicaStates...))
	before := readCursor(q, &c.errs, func(s string) bool { n, err := strconv.ParseUint(s, 10, 63); return err == nil && n > 0 })
	f.Before, _ = strconv.ParseUint(before, 10, 63)
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, more := a.Registry.Events(f)
	next := ""
	if more {
		next = strconv.FormatUint(found[len(found)-1].Seq, 10)
	}
	return ok(pageOf(found, next, func(e registry.Event) serviceEvent {
		return serviceEvent{strconv.FormatUint(e.Seq, 10), e.At.UTC(), e.Service, e.Replica, e.State, e.Version, e.Machine, e.By}
	}))
}

// replicaStates is what service events can be filtered by.
var replicaStates = []string{
	string(contract.ReplicaStarted), string(contract.ReplicaReady), string(contract.ReplicaStopping),
	string(contract.ReplicaStopped), string(contract.ReplicaLost), string(contract.ReplicaReturned),
}

func readSubjectToken(c *call, q *field.Query, name string) string {
	return readText(c, q, name, func(text string) string {
		if !contract.ValidToken(text) {
			return "must be 1 to 64 letters, digits, - or _"
		}
		return ""
	})
}

// missing says which parts of Slipway are not there, each with its reason, before a
// request for them fails.
func (a *API) missing(ctx context.Context) []lack {
	if a.Stopping != nil && a.Stopping() {
		return []lack{{"gateway", "it is stopping"}}
	}
	if err := a.Broker(); err != nil {
		return []lack{{"nats", err.Error()}}
	}
	if err := a.Door.Tokens.Refresh(ctx); err != nil {
		return []lack{{"nats", "the message broker does not answer, or has no quorum"}}
	}
	var all []lack
	for _, part := range needed {
		if !a.Registry.Serves("slipway-" + part) {
			all = append(all, lack{part, "no replica of slipway-" + part + " is ready"})
		}
	}
	return all
}

// needed is the services without which next to nothing can be done.
var needed = []string{"history", "scheduler", "executor"}

// lack is a part of Slipway that is not there.
type lack struct {
	Part   string `json:"part"`
	Reason string `json:"reason"`
}

// readiness says whether requests can be served: the broker is there with what is
// needed for every request, and so are the other services.
func (a *API) readiness(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if all := a.missing(c.ctx); len(all) > 0 {
		p := problemf(codeUnavailable, "%s", all[0].Reason)
		p.missing = all
		return answer{}, p
	}
	return answer{status: http.StatusOK, body: status{"ok"}}, nil
}
