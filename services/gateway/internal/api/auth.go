package api

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

// authorize finds out whose token the call carries and whether it may do this.
// Whatever is wrong with a token, the answer is the same.
func (a *API) authorize(c *call, needs permission) error {
	scheme, secret, _ := strings.Cut(c.http.Request().Header.Get(echo.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		secret = ""
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	token, err := a.Tokens.Identify(ctx, strings.TrimSpace(secret))
	switch {
	case errors.Is(err, tokens.ErrUnknown):
		return problemf(codeUnauthorized, "a valid API token is needed: Authorization: Bearer slw_…")
	case err != nil:
		return err
	case token.Role != string(needs):
		return problemf(codeForbidden, "the token's role does not permit this")
	}
	c.token, c.secret = token, secret
	return nil
}
