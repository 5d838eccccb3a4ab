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

func TestAScriptOfABrowserHasTheLinesOfOneOfAFile(t *testing.T) {
	said, err := dialects.Read(nil, "application/x-www-form-urlencoded", []byte("name=a%0D%0Ab&script=%23!%2Fbin%2Fsh%0D%0Aprintf%20'a%5Cr%0Db'%0D%0A"))
	require.NoError(t, err)
	w := readWanted(said)
	require.Equal(t, "#!/bin/sh\nprintf 'a\\r\rb'\n", w.script)
	require.Equal(t, "a\r\nb", w.name, "what is data is as it was sent")
}

func TestAServerMayBeNamedByAWholeNumberWithAFraction(t *testing.T) {
	for _, body := range []string{`{"server_id": 12.0}`, `{"server_ids": [12.0, "12"]}`, `{"server_ids": "[12.0]"}`} {
		said, err := dialects.Read(nil, "application/json", []byte(body))
		require.NoError(t, err)
		require.Equal(t, []uint64{12}, readWanted(said).servers, body)
	}
}

func TestAPageThatIsNotSaidIsTheFirst(t *testing.T) {
	said, err := dialects.Read(url.Values{"page": {""}, "page_size": {""}, "status": {""}}, "", nil)
	require.NoError(t, err)
	p, err := readPage(said)
	require.NoError(t, err)
	require.Equal(t, page{1, defaultSize}, p)
}
