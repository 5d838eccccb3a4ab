package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// servicePrefix begins the names of Slipway's own services: others may be on the same
// broker.
const servicePrefix = "slipway-"

// Registered is a replica as it has registered.
type Registered struct {
	Service     string
	ID          string
	Version     string
	Description string
	Metadata    map[string]string
	Subjects    []string // that it answers requests on
}

// Activity is what a replica has done since it started.
type Activity struct {
	Started   time.Time
	Endpoints []EndpointActivity
	Notes     map[string]string // what it has come to know, where it answers on any subject
}

// EndpointActivity is what was done on one subject.
type EndpointActivity struct {
	Name, Subject string
	Work
}

// Replicas asks all replicas of Slipway's services who they are, and gives fn each that
// answers within so long, as soon as it does. It fails with ErrUnavailable where there
// is no broker.
func (b *Bus) Replicas(ctx context.Context, wait time.Duration, fn func(Registered)) error {
	inbox := nats.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("ask for replicas: %w", classify(err))
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only if the connection is gone
	subject, err := micro.ControlSubject(micro.InfoVerb, "", "")
	if err == nil {
		err = b.nc.PublishRequest(subject, inbox, nil)
	}
	if err != nil {
		return fmt.Errorf("ask for replicas: %w", classify(err))
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return nil
		case err != nil:
			return fmt.Errorf("ask for replicas: %w", classify(err))
		}
		var info micro.Info
		if json.Unmarshal(msg.Data, &info) != nil || !strings.HasPrefix(info.Name, servicePrefix) {
			continue // another's
		}
		fn(registered(info))
	}
}

func registered(info micro.Info) Registered {
	r := Registered{Service: info.Name, ID: info.ID, Version: info.Version, Description: info.Description, Metadata: info.Metadata}
	for _, e := range info.Endpoints {
		r.Subjects = append(r.Subjects, e.Subject)
	}
	return r
}

// Ping asks one replica whether it is there, and returns how long it took to answer. It
// fails with ErrNone where it does not.
func (b *Bus) Ping(ctx context.Context, service, id string) (time.Duration, error) {
	began := time.Now()
	_, err := b.askReplica(ctx, micro.PingVerb, service, id)
	return time.Since(began), err
}

// Activity asks one replica what it has done. It fails with ErrNone where it does not
// answer.
func (b *Bus) Activity(ctx context.Context, service, id string) (Activity, error) {
	data, err := b.askReplica(ctx, micro.StatsVerb, service, id)
	if err != nil {
		return Activity{}, err
	}
	var stats micro.Stats
	if err := json.Unmarshal(data, &stats); err != nil {
		return Activity{}, fmt.Errorf("statistics of %s %s: %w", service, id, err)
	}
	a := Activity{Started: stats.Started}
	for _, e := range stats.Endpoints {
		one := EndpointActivity{Name: e.Name, Subject: e.Subject}
		var told activity
		if err := json.Unmarshal(e.Data, &told); err != nil { // of an older one: it counts what was handed over
			told.Answered = int64(e.NumRequests)
		}
		one.Work = told.Work
		if told.Notes != nil {
			a.Notes = told.Notes
		}
		a.Endpoints = append(a.Endpoints, one)
	}
	return a, nil
}

func (b *Bus) askReplica(ctx context.Context, verb micro.Verb, service, id string) ([]byte, error) {
	subject, err := micro.ControlSubject(verb, service, id)
	if err != nil || !contract.ValidToken(service) || !contract.ValidToken(id) {
		return nil, fmt.Errorf("%w: no replica has this name", ErrNone)
	}
	msg, err := b.nc.RequestWithContext(ctx, subject, nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded) && b.nc.IsConnected():
		return nil, fmt.Errorf("%w: %s %s does not answer", ErrNone, service, id)
	case err != nil:
		return nil, fmt.Errorf("ask %s %s: %w", service, id, classify(err))
	}
	return msg.Data, nil
}
