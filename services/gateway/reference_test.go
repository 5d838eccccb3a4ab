package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	apispecs "github.com/slipway-deploy/slipway/api-specs"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestTheReferenceIsShownToEverybody(t *testing.T) {
	f := start(t)
	page := f.send(request{method: "GET", path: "/reference", anonymous: true}).is(200)
	require.Equal(t, "text/html; charset=utf-8", page.Header.Get("Content-Type"))
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-")
	for _, said := range []string{"/v1/deployments/{id}/rollback", `id="error-invalid_request"`, `id="permission-deployments.create"`} {
		require.Contains(t, string(page.raw), said)
	}
	text := f.send(request{method: "GET", path: "/openapi.yaml", anonymous: true}).is(200)
	require.Equal(t, string(apispecs.OpenAPI), string(text.raw))
	for path, read := range map[string]*reply{"/reference": page, "/openapi.yaml": text} {
		head := f.send(request{method: "HEAD", path: path, anonymous: true}).is(200)
		require.Empty(t, head.raw, path)
		require.Equal(t, read.Header.Get("Content-Type"), head.Header.Get("Content-Type"), path)
		require.Equal(t, read.Header.Get("Content-Security-Policy"), head.Header.Get("Content-Security-Policy"), path)
	}
	for _, path := range []string{"/reference?x=1", "/openapi.yaml?x=1"} {
		f.get(path).refused(422, "invalid_request")
	}
}

func TestWhoeverReadsTheReferenceIsCounted(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.AddressRate = 1 })
	for _, path := range []string{"/reference", "/openapi.yaml"} {
		f.eventually(func() bool { return f.send(request{method: "GET", path: path, anonymous: true}).StatusCode == 429 }, path)
	}
}
