package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Token is an API token.
type Token struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Grants     []Grant    `json:"grants"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	Token      string     `json:"token,omitempty"` // shown once, by what made it
}

// TokenCreate is a token to be.
type TokenCreate struct {
	Name      string  `json:"name"`
	Grants    []Grant `json:"grants"`
	ExpiresIn string  `json:"expires_in,omitempty"` // a duration; empty: it never does
}

func tokenPath(id string) string { return "/v1/tokens/" + url.PathEscape(id) }

// Tokens lists the API tokens, oldest first.
func (c *Client) Tokens(ctx context.Context) iter.Seq2[Token, error] {
	return all[Token](ctx, c, "/v1/tokens", url.Values{}, PageLimit)
}

// CreateToken makes a token. The answer holds it, this once.
func (c *Client) CreateToken(ctx context.Context, t TokenCreate) (Token, error) {
	var made Token
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/tokens", key: newKey(), json: t, into: &made})
	return made, err
}

// Token reads the token of this id.
func (c *Client) Token(ctx context.Context, id string) (Token, error) {
	var t Token
	err := c.do(ctx, call{method: http.MethodGet, path: tokenPath(id), into: &t})
	return t, err
}

// RevokeToken has the token of this id count no more.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: tokenPath(id)})
}
