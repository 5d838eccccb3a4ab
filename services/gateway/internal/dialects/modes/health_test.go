package modes

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/dialecttest"
)

type object = map[string]any

func TestHealthSaysWhatIsKnownAndNothingElse(t *testing.T) {
	slots := object{}
	n := dialecttest.Native{
		"GET /v1/health": func(dialects.Operation) any { return object{"status": "ready"} },
		"GET /v1/locks":  func(dialects.Operation) any { return object{"slots": slots} },
		"GET /v1/deployments": func(o dialects.Operation) any {
			require.Equal(t, "roas", o.Query.Get("project"))
			if o.Query.Get("state") == string(deploy.Running) {
				return object{"items": []object{{"id": "a"}, {"id": "b"}}}
			}
			return object{"items": []object{}}
		},
	}
	read := func() health {
		r, err := n.Request(nil, nil)
		require.NoError(t, err)
		got, err := Config{Project: "roas"}.health(t.Context(), r)
		require.NoError(t, err)
		return got.Body.(health)
	}
	h := read()
	require.Nil(t, h.Resources)
	require.Nil(t, h.Statistics)
	require.Equal(t, []any{"ready", 2, anyNumber}, []any{h.Status, h.Active, h.Most}, "nothing is limited")
	slots["project"], slots["holders"] = 3, []object{{"project": "roas"}, {"project": "shop"}}
	h = read()
	require.Equal(t, []any{1, 3}, []any{h.Active, h.Most}, "as schedulers say")
	delete(n, "GET /v1/locks")
	require.Equal(t, "degraded", read().Status)
}

func TestAListHasFiftyUnlessItIsToldAnotherNumber(t *testing.T) {
	n := dialecttest.Native{"GET /v1/deployments": func(dialects.Operation) any {
		var all []object
		for i := range uint32(60) {
			all = append(all, object{"id": dialects.ShortOf(time.Unix(1756288800, 0), i), "metadata": object{noteMode: "uv"}})
		}
		return object{"items": all}
	}}
	for query, many := range map[string]int{"": usualList, "limit=": usualList, "limit=7": 7, "limit=7.0": 7} {
		asked, err := url.ParseQuery(query)
		require.NoError(t, err)
		r, err := n.Request(asked, nil)
		require.NoError(t, err)
		got, err := Config{}.list(t.Context(), r)
		require.NoError(t, err)
		require.Len(t, got.Body, many)
	}
	require.Equal(t, 50, usualList)
}
