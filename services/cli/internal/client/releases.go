package client

import (
	"context"
	"iter"
	"net/url"
)

// ServerReleases is what one server holds, read from it just now.
type ServerReleases struct {
	Server   string    `json:"server"`
	Name     string    `json:"name"`
	Current  string    `json:"current,omitempty"`  // empty: nothing runs
	Intact   bool      `json:"intact"`             // what runs is a complete release
	Previous string    `json:"previous,omitempty"` // where a rollback would go
	Releases []Release `json:"releases"`
	Failure  *Failure  `json:"failure,omitempty"` // the server could not be read
}

// Release is a complete release on a server.
type Release struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// ReleasesQuery says which servers are read.
type ReleasesQuery struct {
	Application string
	Place
	Servers []string // ids or names; none and no labels: all
	Labels  []string // key=value
}

// asked is the query, as parameters.
func (q ReleasesQuery) asked() url.Values {
	query := filters(map[string]string{"application": q.Application, "path": q.Path, "profile": q.Profile, "directory": q.Directory})
	query["server"] = q.Servers
	query["label"] = q.Labels
	return query
}

// releasesPage is small, since the gateway connects to each server before it answers.
const releasesPage = 50

// Releases reads from servers what they hold.
func (c *Client) Releases(ctx context.Context, q ReleasesQuery) iter.Seq2[ServerReleases, error] {
	return all[ServerReleases](ctx, c, "/v1/releases", q.asked(), releasesPage)
}
