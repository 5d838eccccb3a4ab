package sourcedeploy

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/dialecttest"
)

func TestAFileAndAGroupAreToldAsFarAsTheyAreThere(t *testing.T) {
	gone := func(o dialects.Operation) any {
		return &dialects.Problem{Status: http.StatusNotFound, Code: "not_found", Detail: o.Params[0]}
	}
	is := func(body string) func(dialects.Operation) any {
		return func(dialects.Operation) any { return json.RawMessage(body) }
	}
	const (
		targets = `"targets":[{"server":{"no":1,"name":"web-1"},"status":"pending","time":{"pre":null,"deploy":null,"post":null},"step":{"pre":null,"deploy":null,"post":null}}]`
		build   = `{"filename": "shop.tar.gz"}`
	)
	for name, one := range map[string]struct {
		deployment deployment
		pack       func(dialects.Operation) any
		group      func(dialects.Operation) any
		kind, want string
	}{
		"uploaded": {
			deployment{Package: "p"}, is(build), gone,
			"Server", `[{"strategy":"normal","file":{"selected":"shop.tar.gz","type":"SourceBuild"},` + targets + `}]`,
		},
		"fetched from a URL": {
			deployment{Package: "p"}, is(`{"filename": "shop.tar.gz", "source": {"url": "https://example.com/shop.tar.gz"}}`), gone,
			"Server", `[{"strategy":"normal","file":{"selected":"shop.tar.gz","type":"SourceBuild"},` + targets + `}]`,
		},
		"in a store of objects": {
			deployment{Package: "p"}, is(`{"filename": "shop.tar.gz", "source": {"s3": {"bucket": "builds", "key": "shop.tar.gz"}}}`), gone,
			"Server", `[{"strategy":"normal","file":{"selected":"shop.tar.gz","type":"ObjectStorage"},` + targets + `}]`,
		},
		"deleted": {
			deployment{Package: "p", Version: "1.4"}, gone, gone,
			"Server", `[{"strategy":"normal","file":{"selected":"1.4","type":"SourceBuild"},` + targets + `}]`,
		},
		"to a group": {
			deployment{Package: "p", Group: "web", Strategy: "blueGreen"}, is(build), is(`{"id": "g", "name": "web"}`),
			"AutoScalingGroup", `{"strategy":"blueGreen","autoScalingGroup":{"no":1,"name":"web"},"file":{"selected":"shop.tar.gz","type":"SourceBuild"},` + targets + `}`,
		},
		"to a group that was removed": {
			deployment{Package: "p", Group: "web"}, is(build), gone,
			"AutoScalingGroup", `{"strategy":"normal","autoScalingGroup":{"no":null,"name":"web"},"file":{"selected":"shop.tar.gz","type":"SourceBuild"},` + targets + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := dialecttest.Native{
				"GET /v1/packages/:id": one.pack, "GET /v1/groups/:group": one.group,
				"GET /v1/deployments/:id/targets": is(`{"items": [{"server": "s", "name": "web-1", "state": "pending"}]}`),
			}.Request(nil, nil)
			require.NoError(t, err)
			kind, config, err := configOf(t.Context(), r, one.deployment)
			require.NoError(t, err)
			require.Equal(t, one.kind, kind)
			text, err := json.Marshal(config)
			require.NoError(t, err)
			require.JSONEq(t, one.want, string(text))
		})
	}
	for _, route := range []string{"GET /v1/packages/:id", "GET /v1/groups/:group"} {
		native := dialecttest.Native{
			"GET /v1/packages/:id": is(build), "GET /v1/groups/:group": is(`{}`), "GET /v1/deployments/:id/targets": is(`{"items": []}`),
		}
		delete(native, route)
		r, err := native.Request(nil, nil)
		require.NoError(t, err)
		_, _, err = configOf(t.Context(), r, deployment{Package: "p", Group: "web"})
		require.True(t, isStatus(err, http.StatusServiceUnavailable), "what cannot be read is not said to be gone: %v", err)
	}
}
