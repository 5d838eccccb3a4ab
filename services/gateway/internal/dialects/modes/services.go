package modes

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// The service that clients speak to, as they call it and as it is called natively, and
// under what those that take part in deployments are found.
const (
	ownName    = "DeploymentServiceAPI"
	ownService = "slipway-gateway"
	discovered = "deployment_services"
)

const (
	healthy   = "healthy"
	unhealthy = "unhealthy"
)

// service is a service with its replicas.
type service struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Ready       int    `json:"ready"`
	Replicas    []struct {
		ID      string     `json:"id"`
		State   string     `json:"state"`
		Version string     `json:"version"`
		Seen    *time.Time `json:"seen_at"`
	} `json:"replicas"`
}

// registered is a service as clients read it.
type registered struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Description string   `json:"description"`
	Status      string   `json:"status"`
	Health      string   `json:"health"`
	Replicas    []string `json:"replicas"`
	Version     string   `json:"version"`
}

func registeredOf(s service) registered {
	out := registered{Name: s.Name, Type: "deployment", Description: s.Description, Status: "stopped", Health: unhealthy, Replicas: []string{}}
	if s.Name == ownService {
		out.Name = ownName
	}
	if s.Ready > 0 {
		out.Status, out.Health = "running", healthy
	}
	for _, one := range s.Replicas {
		out.Replicas = append(out.Replicas, one.ID)
		out.Version = one.Version
	}
	return out
}

func readServices(ctx context.Context, r *dialects.Request) ([]registered, error) {
	var page struct {
		Items []service `json:"items"`
	}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/services"}, &page); err != nil {
		return nil, err
	}
	all := []registered{}
	for _, s := range page.Items {
		all = append(all, registeredOf(s))
	}
	return all, nil
}

// listServices shows the services that are registered, by name.
func listServices(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	all, err := readServices(ctx, r)
	byName := map[string]registered{}
	for _, s := range all {
		byName[s.Name] = s
	}
	return dialects.Reply{Status: http.StatusOK, Body: byName}, err
}

// discover shows those that are there to deploy.
func discover(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	all, err := readServices(ctx, r)
	found := []registered{}
	for _, s := range all {
		if s.Health == healthy {
			found = append(found, s)
		}
	}
	return dialects.Reply{Status: http.StatusOK, Body: map[string]any{discovered: found}}, err
}

// nativeName is what the service in the path is called natively.
func nativeName(r *dialects.Request) string {
	if name := r.Param("name"); name != ownName {
		return name
	}
	return ownService
}

func findService(ctx context.Context, r *dialects.Request) (service, error) {
	var s service
	return s, r.Do(ctx, dialects.Operation{Route: "GET /v1/services/:service", Params: []string{nativeName(r)}}, &s)
}

func showService(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	s, err := findService(ctx, r)
	return dialects.Reply{Status: http.StatusOK, Body: registeredOf(s)}, err
}

// answered is how a replica answers that was asked just now.
type answered struct {
	Replica string  `json:"replica"`
	Status  string  `json:"status"`
	Ping    float64 `json:"ping_ms"`
}

// checkService asks the replicas of a service whether they are there.
func checkService(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	s, err := findService(ctx, r)
	if err != nil {
		return dialects.Reply{}, err
	}
	out := struct {
		Name     string     `json:"service_name"`
		Status   string     `json:"status"`
		Time     string     `json:"timestamp"`
		Replicas []answered `json:"replicas"`
	}{registeredOf(s).Name, unhealthy, stamp(time.Now()), []answered{}}
	for _, one := range s.Replicas {
		var said struct {
			Answers bool    `json:"answers"`
			Ping    float64 `json:"ping_ms"`
		}
		if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/services/:service/:replica", Params: []string{s.Name, one.ID}}, &said); err != nil {
			continue // it is gone by now
		}
		a := answered{one.ID, unhealthy, said.Ping}
		if said.Answers {
			a.Status, out.Status = healthy, healthy
		}
		out.Replicas = append(out.Replicas, a)
	}
	return ok(out)
}

// happened is something in the life of a service.
type happened struct {
	Type    string `json:"event_type"`
	Message string `json:"message"`
	Service string `json:"service_name"`
	Replica string `json:"replica"`
	Time    string `json:"timestamp"`
}

// serviceEvents shows how the replicas of a service came and went, the oldest first.
func serviceEvents(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	limit := readLimit(r.Said)
	if err := r.Said.Err(); err != nil {
		return dialects.Reply{}, err
	}
	var page struct {
		Items []struct {
			At      time.Time `json:"at"`
			Replica string    `json:"replica"`
			State   string    `json:"state"`
			Version string    `json:"version"`
		} `json:"items"`
	}
	query := url.Values{"service": {nativeName(r)}, "limit": {strconv.Itoa(limit)}}
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/service-events", Query: query}, &page); err != nil {
		return dialects.Reply{}, err
	}
	all := []happened{}
	for i := range page.Items { // the newest is the last, as clients read it
		e := page.Items[len(page.Items)-1-i]
		all = append(all, happened{e.State, fmt.Sprintf("%s %s: %s", r.Param("name"), e.Version, e.State), r.Param("name"), e.Replica, stamp(e.At)})
	}
	return ok(all)
}
