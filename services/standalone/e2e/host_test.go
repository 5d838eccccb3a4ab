package e2e

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// app is the application that most tests deploy, and where it lies on hosts.
const (
	app     = "shop"
	appPath = "apps/" + app
)

func uniqueKey() string { return rand.Text() }

// spec is what a server is added with.
type spec map[string]any

// specOf describes a host as it is.
func specOf(h *hosttest.Host) spec {
	return spec{
		"name": h.Name, "address": h.Addr, "port": h.Port, "user": h.User, "host_key": h.HostKey,
		"credential": map[string]any{"private_key": string(h.PrivateKeyPEM)},
	}
}

// add adds a server.
func (c *client) add(t testing.TB, s spec) server {
	t.Helper()
	return must[server](t, c, request{
		method: "POST", path: "/v1/servers", body: s, header: map[string]string{"Idempotency-Key": uniqueKey()},
	}, http.StatusCreated)
}

// change changes a server.
func (c *client) change(t testing.TB, id string, s spec) server {
	t.Helper()
	return must[server](t, c, request{method: "PATCH", path: "/v1/servers/" + id, body: s}, http.StatusOK)
}

// addAll adds hosts as they are and returns their names, by which they are deployed to.
func (c *client) addAll(t testing.TB, hosts []*hosttest.Host) (names []string) {
	t.Helper()
	for _, h := range hosts {
		names = append(names, c.add(t, specOf(h)).Name)
	}
	return names
}

// runs returns the release that current on the host points at, read from its directory; "" where there is none.
func runs(t testing.TB, h *hosttest.Host, path string) string {
	t.Helper()
	link, err := os.Readlink(filepath.Join(h.Home, path, "current"))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	require.Equal(t, "releases", filepath.Dir(link), "current leads elsewhere")
	return filepath.Base(link)
}

// requireRuns fails the test unless the host runs the version, complete.
func requireRuns(t testing.TB, h *hosttest.Host, version string) {
	t.Helper()
	require.Equal(t, version, runs(t, h, appPath), "%s runs another release", h.Name)
	require.NoError(t, checkRelease(filepath.Join(h.Home, appPath, "current")))
	got, err := os.ReadFile(filepath.Join(h.Home, appPath, "current", "VERSION"))
	require.NoError(t, err)
	require.Equal(t, version, string(got))
}

// requireNothingStaged fails the test if a failed attempt left something behind on the host.
func requireNothingStaged(t testing.TB, h *hosttest.Host) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(h.Home, appPath, ".slipway", "stage", "*", "*")) // its directories stay
	require.NoError(t, err)
	require.Empty(t, left)
}
