package api

import (
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

// server is a server as it is sent: without its credential.
type server struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	Address           string            `json:"address"`
	Port              int               `json:"port"`
	User              string            `json:"user"`
	HasCredential     bool              `json:"has_credential"`
	CredentialKind    inventory.Kind    `json:"credential_kind"`
	CredentialExpires *time.Time        `json:"credential_expires,omitempty"`
	HostKey           string            `json:"host_key,omitempty"`
	Fingerprint       string            `json:"host_key_fingerprint,omitempty"`
	HostCA            string            `json:"host_ca,omitempty"`
	RevokedKeys       string            `json:"revoked_keys,omitempty"`
	LegacyAlgorithms  []string          `json:"legacy_algorithms,omitempty"`
	FirstContact      bool              `json:"first_contact"`
	JumpHost          string            `json:"jump_host,omitempty"`
	Labels            map[string]string `json:"labels"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
}

func serverOf(s inventory.Server) server {
	return server{
		ID: s.ID, Name: s.Name, Address: s.Address, Port: s.Port, User: s.User,
		HasCredential: s.Credential != "", CredentialKind: s.CredentialKind, CredentialExpires: s.CredentialExpires,
		HostCA: s.HostCA, RevokedKeys: s.RevokedKeys, LegacyAlgorithms: s.LegacyAlgorithms,
		HostKey: s.HostKey, Fingerprint: inventory.Fingerprint(s.HostKey), FirstContact: s.FirstContact,
		JumpHost: s.JumpHost, Labels: s.Labels, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

func (a *API) createServer(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if c.attempt.Resumed {
		ctx, cancel := a.brief(c)
		defer cancel()
		if s, rev, err := a.Servers.Get(ctx, c.attempt.Resource); err == nil {
			return serverCreated(s, rev), nil
		}
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	in := inventory.ReadNew(c.ctx, o, &c.errs)
	if err := c.wrong(); err != nil {
		return answer{}, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	s, err := in.Apply(inventory.Server{ID: c.attempt.Resource, CreatedAt: now}, a.Seal, now)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	s, rev, err := a.Servers.Create(ctx, s)
	if err != nil {
		return answer{}, err
	}
	return serverCreated(s, rev), nil
}

func serverCreated(s inventory.Server, rev uint64) answer {
	got := serverAnswer(http.StatusCreated, s, rev)
	got.header["Location"] = "/v1/servers/" + s.ID
	return got
}

func serverAnswer(status int, s inventory.Server, rev uint64) answer {
	return answer{status: status, header: map[string]string{"ETag": etag(rev)}, body: serverOf(s)}
}

func (a *API) listServers(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	labels, _ := q.Texts("label")
	f := inventory.Filter{Limit: readLimit(q), Labels: inventory.ParseSelector("label", labels, &c.errs)}
	f.Name = readText(c, q, "name", inventory.CheckName)
	f.After = readCursor(q, &c.errs, contract.ValidToken)
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, more, err := a.Servers.List(c.ctx, f)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if more {
		next = found[len(found)-1].ID
	}
	return ok(pageOf(found, next, serverOf))
}

func (a *API) getServer(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	s, rev, err := a.Servers.Get(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	return serverAnswer(http.StatusOK, s, rev), nil
}

func (a *API) changeServer(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	must, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	in := inventory.ReadPatch(c.ctx, o, &c.errs)
	if err := c.wrong(); err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	s, rev, err := a.Servers.Change(ctx, c.id(), must, func(s inventory.Server) (inventory.Server, error) {
		return in.Apply(s, a.Seal, time.Now())
	})
	if err != nil {
		return answer{}, err
	}
	return serverAnswer(http.StatusOK, s, rev), nil
}

func (a *API) deleteServer(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	must, err := ifMatch(c)
	if err != nil {
		return answer{}, err
	}
	s, _, err := a.Servers.Get(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	if err := a.Projects.ServerUnused(c.ctx, s.ID, s.Name); err != nil {
		return answer{}, err
	}
	if err := a.Servers.Delete(c.ctx, c.id(), must); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
