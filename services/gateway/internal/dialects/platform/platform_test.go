package platform

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/dialecttest"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

func TestADeploymentThatWasNotMadeHereHasNoNumberHere(t *testing.T) {
	ours := map[string]any{"id": "it", "project": project, "metadata": map[string]string{notePath: "/opt/shop"}}
	elsewhere := map[string]any{"id": "it", "project": "shop", "metadata": map[string]string{notePath: "/opt/shop"}}
	natively := map[string]any{"id": "it", "project": project}
	nothing := func(dialects.Operation) any { return map[string]any{"items": []any{}} }
	routes := 0
	for _, route := range Dialect.Routes {
		if !strings.HasPrefix(route.Path, "/api/deployments/:id") {
			continue
		}
		routes++
		answer := func(d map[string]any) error {
			r, err := dialecttest.Native{
				"GET /v1/deployments/:id":         func(dialects.Operation) any { return d },
				"GET /v1/deployments/:id/targets": nothing, "GET /v1/deployments/:id/logs": nothing, "GET /v1/servers": nothing,
			}.Request(nil, map[string]string{"id": "7"})
			require.NoError(t, err)
			_, err = route.Handle(t.Context(), r)
			return err
		}
		require.NoError(t, answer(ours), route.Path)
		require.ErrorIs(t, answer(elsewhere), numbers.ErrNone, route.Path)
		require.ErrorIs(t, answer(natively), numbers.ErrNone, route.Path)
	}
	require.Equal(t, 3, routes, "to read it, /events and /ws")
}

func TestAListLooksThroughSoManyAndNoMore(t *testing.T) {
	pages := 0
	r, err := dialecttest.Native{"GET /v1/deployments": func(dialects.Operation) any {
		pages++
		var all []any
		for i := range dialects.PageSize {
			all = append(all, map[string]any{
				"id": strconv.Itoa(pages*dialects.PageSize + i), "project": project, "metadata": map[string]string{notePath: "/opt/shop"},
			})
		}
		return map[string]any{"items": all, "next_cursor": "more"} // without an end
	}}.Request(url.Values{"page": {"500"}}, nil)
	require.NoError(t, err)
	got, err := list(t.Context(), r)
	require.NoError(t, err)
	page := got.Body.(listed[deployment])
	require.Equal(t, mostRead, page.Total)
	require.Len(t, page.Items, defaultSize, "the last page")
	require.Equal(t, mostRead/dialects.PageSize, pages)
}
