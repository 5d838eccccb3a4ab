package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Service is a service of Slipway.
type Service struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Ready       int       `json:"ready"` // replicas that do their work
	Replicas    []Replica `json:"replicas"`
}

// Replica is a replica of a service.
type Replica struct {
	ID       string            `json:"id"`
	State    string            `json:"state"`
	Since    *time.Time        `json:"since,omitempty"`
	Seen     *time.Time        `json:"seen_at,omitempty"`
	Version  string            `json:"version,omitempty"`
	Metadata map[string]string `json:"metadata"`
	Subjects []string          `json:"subjects"`
}

// ReplicaActivity is a replica, and what it has done.
type ReplicaActivity struct {
	Service string `json:"service"`
	Replica
	Answers   bool       `json:"answers"`
	Ping      float64    `json:"ping_ms,omitempty"`
	Started   *time.Time `json:"started_at,omitempty"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is what was answered on a subject.
type Endpoint struct {
	Name     string  `json:"name"`
	Subject  string  `json:"subject"`
	Answered int64   `json:"answered"`
	UnderWay int64   `json:"under_way"`
	Average  float64 `json:"average_ms"`
}

// ServiceEvent says that a replica stands elsewhere.
type ServiceEvent struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Replica string    `json:"replica"`
	State   string    `json:"state"`
	Version string    `json:"version,omitempty"`
	Machine string    `json:"machine,omitempty"`
	By      string    `json:"by,omitempty"`
}

// Services lists the services and their replicas.
func (c *Client) Services(ctx context.Context) ([]Service, error) {
	var found struct {
		Items []Service `json:"items"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/services", into: &found})
	return found.Items, err
}

// Service returns one service and its replicas.
func (c *Client) Service(ctx context.Context, name string) (Service, error) {
	var found Service
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/services/" + url.PathEscape(name), into: &found})
	return found, err
}

// PingReplica asks a replica whether it is there, and what it has done.
func (c *Client) PingReplica(ctx context.Context, service, id string) (ReplicaActivity, error) {
	var found ReplicaActivity
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/services/" + url.PathEscape(service) + "/" + url.PathEscape(id), into: &found})
	return found, err
}

// ServiceEvents lists how replicas came and went, of a service and a replica where they are not empty.
func (c *Client) ServiceEvents(ctx context.Context, service, replica string) iter.Seq2[ServiceEvent, error] {
	return all[ServiceEvent](ctx, c, "/v1/service-events", filters(map[string]string{"service": service, "replica": replica}), PageLimit)
}
