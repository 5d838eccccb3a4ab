package client

import (
	"context"
	"net/http"
	"time"
)

// Health is how the installation is. What could not be had is nil.
type Health struct {
	Status      string                `json:"status"`
	At          time.Time             `json:"at"`
	Version     string                `json:"version"`
	Missing     []Missing             `json:"missing"`
	Services    map[string]int        `json:"services"` // replicas that are ready
	Modes       map[string]ModeHealth `json:"modes"`
	Deployments *UnderWay             `json:"deployments,omitempty"`
	Machine     *MachineUse           `json:"machine,omitempty"`
	Statistics  *Totals               `json:"statistics,omitempty"`
}

// ModeHealth is whether hosts were met that have what a kind of application needs.
type ModeHealth struct {
	Status string     `json:"status"`
	Met    *time.Time `json:"met_at,omitempty"`
}

// UnderWay is how many deployments are under way, and may be.
type UnderWay struct {
	Active  int `json:"active"`
	Waiting int `json:"waiting"`
	Limit   int `json:"limit"` // 0: any number
}

// MachineUse is how much of the gateway's machine is in use, in per cent.
type MachineUse struct {
	CPU    float64 `json:"cpu_percent"`
	Memory float64 `json:"memory_percent"`
	Disk   float64 `json:"disk_percent"`
}

// Totals is what the deployments of the last year came to.
type Totals struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Total     int    `json:"total"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Cancelled int    `json:"cancelled"`
	Rejected  int    `json:"rejected"`
	Average   int64  `json:"average_ms"`
}

// Health asks how the installation is.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var found Health
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/health", into: &found})
	return found, err
}
