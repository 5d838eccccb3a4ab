package client

import (
	"context"
	"net/http"
)

// KnownHosts is a known_hosts to take host keys from.
type KnownHosts struct {
	KnownHosts string `json:"known_hosts"`
	Replace    bool   `json:"replace,omitempty"` // keys of the file take the place of those that are stored
	DryRun     bool   `json:"dry_run,omitempty"` // nothing is stored
}

// KnownHostsImported is what it came to, in numbers of servers.
type KnownHostsImported struct {
	DryRun    bool               `json:"dry_run"`
	Added     int                `json:"added"`
	Replaced  int                `json:"replaced"`
	Unchanged int                `json:"unchanged"`
	Conflicts int                `json:"conflicts"`
	TooMany   int                `json:"too_many"`
	Servers   []KnownHostsServer `json:"servers"` // that are not unchanged
}

// KnownHostsServer is one of them.
type KnownHostsServer struct {
	Server  string `json:"server"`
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	Lines   []int  `json:"lines"` // of the file, from 1
}

// ImportKnownHosts gives servers the keys that a known_hosts has for them.
func (c *Client) ImportKnownHosts(ctx context.Context, k KnownHosts) (KnownHostsImported, error) {
	var came KnownHostsImported
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/known-hosts", key: newKey(), json: k, into: &came})
	return came, err
}
