package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"time"
)

// Server is a host that can be deployed to.
type Server struct {
	ID                 string            `json:"id"`
	Name               string            `json:"name"`
	Address            string            `json:"address"`
	Port               int               `json:"port"`
	User               string            `json:"user"`
	HasCredential      bool              `json:"has_credential"`
	CredentialKind     string            `json:"credential_kind"`
	CredentialExpires  *time.Time        `json:"credential_expires,omitempty"`
	HostKey            string            `json:"host_key,omitempty"`
	HostKeyFingerprint string            `json:"host_key_fingerprint,omitempty"`
	HostCA             string            `json:"host_ca,omitempty"`
	RevokedKeys        string            `json:"revoked_keys,omitempty"`
	LegacyAlgorithms   []string          `json:"legacy_algorithms,omitempty"`
	FirstContact       bool              `json:"first_contact"`
	JumpHost           string            `json:"jump_host,omitempty"` // id
	Labels             map[string]string `json:"labels"`
	CreatedAt          time.Time         `json:"created_at"`
	UpdatedAt          time.Time         `json:"updated_at"`
}

// ServerCreate is a server to add.
type ServerCreate struct {
	Name             string            `json:"name"`
	Address          string            `json:"address"`
	Port             int               `json:"port,omitempty"` // 0: 22
	User             string            `json:"user"`
	Credential       *Credential       `json:"credential,omitempty"`        // nil: the executor's SSH agent
	HostKey          string            `json:"host_key,omitempty"`          // authorized_keys lines
	HostCA           string            `json:"host_ca,omitempty"`           // likewise, of authorities
	RevokedKeys      string            `json:"revoked_keys,omitempty"`      // likewise, of hosts and authorities
	LegacyAlgorithms []string          `json:"legacy_algorithms,omitempty"` // weak ones that may be agreed on
	FirstContact     bool              `json:"first_contact,omitempty"`
	JumpHost         string            `json:"jump_host,omitempty"` // id or name
	Labels           map[string]string `json:"labels,omitempty"`
}

// Credential is how to log in to a server. It only ever goes to the gateway.
type Credential struct {
	PrivateKey  string `json:"private_key,omitempty"` // PEM
	Passphrase  string `json:"passphrase,omitempty"`
	Certificate string `json:"certificate,omitempty"` // as in id_*-cert.pub
	Password    string `json:"password,omitempty"`
	Agent       bool   `json:"agent,omitempty"`
}

// String keeps what it holds out of every message.
func (Credential) String() string { return "credential (hidden)" }

// GoString keeps what it holds out of every message.
func (c Credential) GoString() string { return c.String() }

// ServerPatch is a JSON merge patch (RFC 7396), by the names of ServerCreate: what is left out stays, nil resets.
type ServerPatch map[string]any

// Servers lists the servers with all these labels (key=value), oldest first.
func (c *Client) Servers(ctx context.Context, labels []string) iter.Seq2[Server, error] {
	return all[Server](ctx, c, "/v1/servers", labelled(labels), PageLimit)
}

// identifier is what ids look like; no name does.
var identifier = regexp.MustCompile(`^[0-9a-v]{20}$`)

// Server reads the server of this id or name. It fails with ErrNotFound where a name is not known.
func (c *Client) Server(ctx context.Context, ref string) (Server, error) {
	if ref == "" {
		return Server{}, fmt.Errorf("%w: no server has an empty name", ErrNotFound)
	}
	if identifier.MatchString(ref) {
		var s Server
		err := c.do(ctx, call{method: http.MethodGet, path: "/v1/servers/" + ref, into: &s})
		return s, err
	}
	found, err := page[Server](ctx, c, "/v1/servers", url.Values{"name": {ref}}, 1, "")
	if err != nil {
		return Server{}, err
	}
	if len(found.Items) == 0 || found.Items[0].Name != ref {
		return Server{}, fmt.Errorf("%w: no server is named %q", ErrNotFound, ref)
	}
	return found.Items[0], nil
}

// AddServer adds a server.
func (c *Client) AddServer(ctx context.Context, s ServerCreate) (Server, error) {
	var added Server
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/servers", key: newKey(), json: s, into: &added})
	return added, err
}

// ChangeServer changes the server of this id.
func (c *Client) ChangeServer(ctx context.Context, id string, patch ServerPatch) (Server, error) {
	var changed Server
	err := c.do(ctx, call{method: http.MethodPatch, path: "/v1/servers/" + url.PathEscape(id), json: patch, into: &changed})
	return changed, err
}

// RemoveServer forgets the server of this id.
func (c *Client) RemoveServer(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/servers/" + url.PathEscape(id)})
}

func labelled(labels []string) url.Values {
	q := url.Values{}
	for _, l := range labels {
		q.Add("label", l)
	}
	return q
}
