package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

const (
	maxTokenName  = 100 // characters
	maxGrants     = 100
	shortestToken = time.Minute
	longestToken  = 10 * 366 * 24 * time.Hour
)

// token is an API token as it is sent. The token itself is in the answer that makes it,
// and only there.
type token struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Grants     access.Grants `json:"grants"`
	CreatedAt  time.Time     `json:"created_at"`
	CreatedBy  string        `json:"created_by,omitempty"`
	ExpiresAt  *time.Time    `json:"expires_at,omitempty"`
	LastUsedAt *time.Time    `json:"last_used_at,omitempty"`
	Token      string        `json:"token,omitempty"`
}

func tokenOf(t tokens.Token) token {
	return token{
		ID: t.ID, Name: t.Name, Grants: append(access.Grants{}, t.Caller().Grants...), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt, LastUsedAt: t.UsedAt,
	}
}

func (a *API) createToken(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	t := readToken(o, time.Now().UTC().Truncate(time.Millisecond))
	t.ID, t.CreatedBy = c.attempt.Resource, c.caller.Name
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	for _, project := range t.Grants.Of() { // nobody hands out what reaches further than they do
		if err := c.within(project); err != nil {
			return answer{}, err
		}
	}
	t, secret, err := a.Door.Tokens.Create(c.ctx, t)
	if err != nil {
		return answer{}, err
	}
	kept := tokenOf(t)
	out := kept
	out.Token = secret
	return answer{status: http.StatusCreated, header: map[string]string{"Location": "/v1/tokens/" + t.ID}, body: out, kept: kept}, nil
}

// readToken takes a new token.
func readToken(o *field.Object, now time.Time) tokens.Token {
	t := tokens.Token{CreatedAt: now, Name: mustHold(o, "name", func(s string) string { return rule.Name(s, 1, maxTokenName) })}
	list, given := o.Objects("grants")
	switch {
	case len(list) == 0 && (given || !o.Given("grants") || o.Null("grants")):
		o.Check("grants", "must hold at least one")
	case len(list) > maxGrants:
		o.Check("grants", fmt.Sprintf("must be at most %d", maxGrants))
	default:
		t.Grants = readGrants(list)
	}
	if lasts, given := o.Text("expires_in"); given {
		d, err := time.ParseDuration(lasts)
		if err != nil || d < shortestToken || d > longestToken {
			o.Check("expires_in", "must be a duration from 1m to 87840h, as 720h")
		}
		at := now.Add(d)
		t.ExpiresAt = &at
	}
	o.End()
	return t
}

// readGrants takes grants, each once.
func readGrants(list []*field.Object) access.Grants {
	var grants access.Grants
	for _, o := range list {
		role, _ := o.Required("role")
		if role != "" && !access.Role(role).Known() {
			o.Check("role", fmt.Sprintf("must be one of %v", access.Roles()))
		}
		g := access.Grant{Role: access.Role(role), Project: mayHold(o, "project", rule.Project)}
		if !slices.Contains(grants, g) {
			grants = append(grants, g)
		}
		o.End()
	}
	return grants
}

// mine says whether the caller may see the token: it grants nothing where they have no
// say.
func (c *call) mine(t tokens.Token) bool { return c.sees(t.Caller().Grants.Of()) }

func (a *API) listTokens(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	f := tokens.Filter{Fits: c.mine, Limit: readLimit(q), After: readCursor(q, &c.errs, contract.ValidToken)}
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	c.looked = true // where there is no token, too
	found, more, err := a.Door.Tokens.List(c.ctx, f)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if more {
		next = found[len(found)-1].ID
	}
	return ok(pageOf(found, next, tokenOf))
}

// tokenInPath returns the token of the id in the path, if the caller may see it.
func (a *API) tokenInPath(c *call) (tokens.Token, error) {
	if err := c.noQuery(); err != nil {
		return tokens.Token{}, err
	}
	t, err := a.Door.Tokens.Get(c.ctx, c.id())
	if err == nil && !c.mine(t) {
		err = tokens.ErrNotFound
	}
	return t, err
}

func (a *API) getToken(c *call) (answer, error) {
	t, err := a.tokenInPath(c)
	if err != nil {
		return answer{}, err
	}
	return ok(tokenOf(t))
}

func (a *API) revokeToken(c *call) (answer, error) {
	t, err := a.tokenInPath(c)
	if err != nil {
		return answer{}, err
	}
	if err := a.Door.Tokens.Revoke(c.ctx, t.ID); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}
