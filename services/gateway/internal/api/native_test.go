package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// inDialect is a request in a dialect, with an Idempotency-Key.
func inDialect(t *testing.T) *native {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/compat/rex", nil)
	request.Header.Set(headerKey, "once")
	return &native{outer: &call{http: echo.New().NewContext(request, httptest.NewRecorder()), secret: "slw_secret"}}
}

// rollback makes a call that goes back from a deployment.
func (n *native) rollback(t *testing.T, id, as string) *call {
	t.Helper()
	_, c, err := n.call(t.Context(), dialects.Operation{
		Route: "POST /v1/deployments/:id/rollback", Params: []string{id}, As: as, Body: map[string]any{"servers": []string{"s1"}},
	})
	require.NoError(t, err)
	return c
}

func (c *call) key() string { return c.http.Request().Header.Get(headerKey) }

func TestNativeCallsThatDifferInAParameterOfThePathDoNotLookTheSame(t *testing.T) {
	n := inDialect(t)
	one, other := n.rollback(t, "d1", ""), n.rollback(t, "d2", "")
	require.NotEqual(t, digestOf(one), digestOf(other))
	require.NotEqual(t, one.asked, other.asked)
	require.NotEqual(t, one.key(), other.key())
	require.Equal(t, "/v1/deployments/d1/rollback", one.http.Request().URL.Path, "as if it had been sent, so that its digest can be made of that")

	again := inDialect(t).rollback(t, "d2", "") // though d1 is none of this repeat
	require.Equal(t, other.key(), again.key())
	require.Equal(t, other.asked, again.asked)
}

func TestARepeatMayFindAnotherPathByWhatWasDone(t *testing.T) {
	n := inDialect(t)
	one, other := n.rollback(t, "d1", "rollback of shop"), n.rollback(t, "d2", "rollback of web")
	require.NotEqual(t, one.key(), other.key())
	again := inDialect(t).rollback(t, "d3", "rollback of shop")
	require.Equal(t, one.key(), again.key())
	require.Equal(t, one.asked, again.asked)
	require.NotEqual(t, digestOf(one), digestOf(again), "the audit log tells of what is done, by its path")
}
