package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Placement is what runs, or ran, of an application on a server.
type Placement struct {
	Application string     `json:"application"`
	Server      string     `json:"server"`
	Name        string     `json:"name"`
	Path        string     `json:"path"`
	Version     string     `json:"version"`
	Deployment  string     `json:"deployment,omitempty"` // that put it there; empty: it was found there
	Since       time.Time  `json:"since"`
	Until       *time.Time `json:"until,omitempty"` // when another version took its place
}

// RunningQuery says what runs where. What is empty restricts nothing.
type RunningQuery struct {
	Application string
	Server      string    // id or name
	At          time.Time // zero: now
}

// Running lists what runs where, as deployments left it.
func (c *Client) Running(ctx context.Context, q RunningQuery) iter.Seq2[Placement, error] {
	query := filters(map[string]string{"application": q.Application, "server": q.Server, "at": timeOf(q.At)})
	return all[Placement](ctx, c, "/v1/running", query, PageLimit)
}

// Statistics is what deployments came to that ended on some days.
type Statistics struct {
	From         string        `json:"from"`
	To           string        `json:"to"`
	Total        Summary       `json:"total"`
	Applications []Summary     `json:"applications"`
	Days         []DayOutcomes `json:"days"`
}

// Summary is what the deployments of an application, or all, came to.
type Summary struct {
	Application         string       `json:"application,omitempty"`
	Deploys             Outcomes     `json:"deploys"`
	Rollbacks           Outcomes     `json:"rollbacks"`
	Hosts               HostOutcomes `json:"hosts"`
	Duration            Percentiles  `json:"duration"`
	DeploymentFrequency float64      `json:"deployment_frequency"` // deploys that succeeded per day
	LeadTime            Percentiles  `json:"lead_time"`
	ChangeFailureRate   float64      `json:"change_failure_rate"` // 0 to 1
	TimeToRestore       Percentiles  `json:"time_to_restore"`
	FailingSince        *time.Time   `json:"failing_since,omitempty"`
}

// DayOutcomes is how deployments ended on a day.
type DayOutcomes struct {
	Day       string   `json:"day"`
	Deploys   Outcomes `json:"deploys"`
	Rollbacks Outcomes `json:"rollbacks"`
}

// Outcomes is how many deployments ended how.
type Outcomes struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Rejected  int `json:"rejected"`
}

// HostOutcomes is on how many servers deployments ended how.
type HostOutcomes struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Cancelled int `json:"cancelled"`
	Skipped   int `json:"skipped"`
}

// Percentiles is how long something took, in milliseconds.
type Percentiles struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50_ms"`
	P90   int64 `json:"p90_ms"`
	P99   int64 `json:"p99_ms"`
	Mean  int64 `json:"mean_ms"`
}

// Statistics reads what deployments came to, from the first day to the last; empty: as the gateway does.
func (c *Client) Statistics(ctx context.Context, application, from, to string) (Statistics, error) {
	var s Statistics
	query := filters(map[string]string{"application": application, "from": from, "to": to})
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/statistics", query: query, into: &s})
	return s, err
}

// History is how far history is behind what happens.
type History struct {
	Seq      uint64     `json:"seq"`
	Last     uint64     `json:"last"`
	Behind   uint64     `json:"behind"`
	Waiting  *time.Time `json:"waiting_since,omitempty"` // since when the first waits that it has not taken in
	Holder   string     `json:"holder,omitempty"`
	SetAside int64      `json:"set_aside"`
	Newest   []SetAside `json:"newest_set_aside"`
}

// SetAside is an event that history could not take in.
type SetAside struct {
	Seq     uint64     `json:"seq"`
	Subject string     `json:"subject"`
	Reason  string     `json:"reason"`
	At      *time.Time `json:"at,omitempty"`
}

// History reads how far history is.
func (c *Client) History(ctx context.Context) (History, error) {
	var h History
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/history", into: &h})
	return h, err
}
