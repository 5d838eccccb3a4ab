package courier

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/events"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const keptAbouts = 2000 // deployments of which it is remembered what they are about

// about is what every event of a deployment says of it.
type about struct {
	ID          string            `json:"id"`
	Kind        string            `json:"kind,omitempty"`
	Project     string            `json:"project,omitempty"`
	Application string            `json:"application,omitempty"`
	Version     string            `json:"version,omitempty"`
	Actor       string            `json:"actor,omitempty"`
	Targets     int               `json:"targets,omitempty"`
	Waves       int               `json:"waves,omitempty"`
	RollbackOf  string            `json:"rollback_of,omitempty"`
	RetryOf     string            `json:"retry_of,omitempty"`
	Batch       string            `json:"batch,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Stage       string            `json:"stage,omitempty"`
	Template    string            `json:"template,omitempty"`
	Group       string            `json:"group,omitempty"`
}

// standing is the data of an event of a deployment as a whole.
type standing struct {
	Deployment about `json:"deployment"`
	events.Standing
	Wave *int `json:"wave,omitempty"` // that began, from 0
}

// ending is the data of the event that a server has ended.
type ending struct {
	Deployment about `json:"deployment"`
	Host       host  `json:"host"`
	events.Ending
}

type host struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	Wave int    `json:"wave"`
}

// stories makes what is told of the events in EV.
type stories struct {
	bus   *bus.Bus
	names func(ctx context.Context, server string) string // "": not known
	kept  map[string]about
}

// tell returns what is told of an event in EV, and false where nothing is.
func (s *stories) tell(ctx context.Context, seq uint64, m contract.Message) (webhooks.Event, bool, error) {
	e, ok := events.Of(seq, m)
	if !ok || !told(e) {
		return webhooks.Event{}, false, nil
	}
	a, err := s.about(ctx, m)
	if err != nil {
		return webhooks.Event{}, false, err
	}
	return webhooks.Event{
		ID: fmt.Sprintf("%s-%d", e.Deployment, e.Seq), Seq: e.Seq, Type: e.Type, Time: e.Time,
		Deployment: e.Deployment, Host: e.Server, Project: a.Project, Application: a.Application,
		Data: s.data(ctx, e, a), Last: e.Last(), Traceparent: m.Traceparent,
	}, true, nil
}

// told says whether webhooks are told of the event: not of what happens within an attempt, nor of the plan.
func told(e events.Event) bool {
	switch e.Data.(type) {
	case events.Opening, events.Standing, events.Ending:
		return true
	default:
		return e.Type == events.Started || e.Type == events.WaveStarted
	}
}

// data is the data of an event, with what its deployment is about.
func (s *stories) data(ctx context.Context, e events.Event, a about) any {
	switch d := e.Data.(type) {
	case events.Opening:
		return standing{Deployment: a, Standing: events.Standing{State: string(deploy.Accepted)}}
	case events.Standing:
		return standing{Deployment: a, Standing: d}
	case events.Ending:
		d.Step = nil // the way it took is not told
		return ending{Deployment: a, Host: host{ID: e.Server, Name: s.names(ctx, e.Server), Wave: *e.Wave}, Ending: d}
	default: // a wave
		return standing{Deployment: a, Standing: events.Standing{State: string(deploy.Running)}, Wave: e.Wave}
	}
}

// about returns what a deployment is about, as its first event says, where that is kept still.
func (s *stories) about(ctx context.Context, m contract.Message) (about, error) {
	if a, ok := s.kept[m.Deployment]; ok {
		return a, nil
	}
	a := about{ID: m.Deployment, Project: m.Project}
	first, err := s.bus.Next(ctx, contract.StreamEvents, contract.SystemEventSubject(m.Deployment), 0)
	switch {
	case errors.Is(err, bus.ErrNone):
	case err != nil:
		return a, err
	default:
		if opened, err := contract.Decode(first.Data); err == nil {
			a.read(opened)
		}
	}
	if len(s.kept) >= keptAbouts {
		clear(s.kept)
	}
	s.kept[m.Deployment] = a
	return a, nil
}

func (a *about) read(m contract.Message) {
	e, ok := m.Body.(contract.AcceptedEvent)
	if !ok {
		return
	}
	a.Kind, a.Project, a.Application, a.Version, a.Actor = e.Kind, m.Project, e.Application, e.Version, e.Actor
	a.Targets, a.Waves, a.RollbackOf, a.RetryOf, a.Batch = e.Targets, e.Waves, e.RollbackOf, e.RetryOf, e.Batch
	a.Metadata = events.Metadata(e.Metadata)
	a.Stage, a.Template, a.Group = e.Stage, e.Template, e.Group
}
