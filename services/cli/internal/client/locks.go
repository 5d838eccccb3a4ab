package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Locks is who has which host, and which deployments are under way.
type Locks struct {
	Items []Lock `json:"items"`
	Slots Slots  `json:"slots"`
}

// Lock is a host that a deployment has.
type Lock struct {
	Server     string   `json:"server"`
	Name       string   `json:"name,omitempty"` // empty: the server was deleted
	Deployment string   `json:"deployment"`
	Waiting    []string `json:"waiting"` // deployments, in order
}

// Slots is which deployments are under way, where that is limited.
type Slots struct {
	All     int    `json:"all,omitempty"`     // that may be; 0: any number
	Project int    `json:"project,omitempty"` // of one project; the same
	Holders []Slot `json:"holders"`
	Waiting []Slot `json:"waiting"`
}

// Slot is a deployment that is under way, or waits to be.
type Slot struct {
	Deployment string    `json:"deployment"`
	Project    string    `json:"project,omitempty"`
	Since      time.Time `json:"since"`
}

// Locks reads all pages, or that of one host, by id or name, where it is not empty. Slots are those of the last page.
func (c *Client) Locks(ctx context.Context, host string) (Locks, error) {
	all := Locks{Items: []Lock{}}
	query := filters(map[string]string{"server": host})
	query.Set("limit", strconv.Itoa(PageLimit))
	for {
		var found struct {
			Page[Lock]
			Slots Slots `json:"slots"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: "/v1/locks", query: query, into: &found}); err != nil {
			return Locks{}, err
		}
		all.Items, all.Slots = append(all.Items, found.Items...), found.Slots
		switch found.Next {
		case "":
			return all, nil
		case query.Get("cursor"):
			return Locks{}, fmt.Errorf("%w: the list does not end", ErrUnreachable)
		}
		query.Set("cursor", found.Next)
	}
}

// BreakLock takes a host, by id or name, from the deployment that has it as the user saw it.
func (c *Client) BreakLock(ctx context.Context, host, deployment, reason string) error {
	query := filters(map[string]string{"deployment": deployment, "reason": reason})
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/locks/" + url.PathEscape(host), query: query})
}
