package sourcedeploy

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// crowded has a project with native deployments without end, and none of a template.
type crowded struct {
	dialects.Native // what is not asked here
	read            int
}

// Do implements dialects.Native.
func (n *crowded) Do(_ context.Context, o dialects.Operation, into any) error {
	answer := `{"items": []}`
	switch o.Route {
	case "GET /v1/projects/:project":
		answer = `{"id": "p1", "name": "shop"}`
	case "GET /v1/deployments":
		n.read += dialects.PageSize
		one := `{"kind": "deploy", "project": "shop"}`
		answer = `{"next_cursor": "more", "items": [` + one + strings.Repeat(","+one, dialects.PageSize-1) + `]}`
	}
	return json.Unmarshal([]byte(answer), into)
}

// Numbers implements dialects.Native.
func (n *crowded) Numbers(context.Context, numbers.Kind, ...string) (map[string]uint64, error) {
	return map[string]uint64{"p1": 1}, nil
}

// Numbered implements dialects.Native.
func (n *crowded) Numbered(context.Context, numbers.Kind, uint64) (string, error) { return "p1", nil }

func TestAHistoryIsNotReadWithoutEndForAPage(t *testing.T) {
	n := &crowded{}
	said, err := dialects.Read(url.Values{}, "", nil)
	require.NoError(t, err)
	reply, err := listHistory(t.Context(), &dialects.Request{Native: n, Said: said, Param: func(string) string { return "1" }})
	require.NoError(t, err)
	body, err := json.Marshal(reply.Body)
	require.NoError(t, err)
	require.JSONEq(t, `{"result": {"historyList": []}}`, string(body))
	require.Equal(t, maxDeep, n.read)
}
