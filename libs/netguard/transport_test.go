package netguard

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// get asks for a URL as a service would that follows two redirects.
func get(t *testing.T, transport *http.Transport, url string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := http.Client{Transport: transport, CheckRedirect: Redirects(2)}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

func TestTheAddressOfEachConnectionIsLookedAt(t *testing.T) {
	elsewhere, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.2:0")
	require.NoError(t, err)
	trap := httptest.NewUnstartedServer(http.NotFoundHandler())
	require.NoError(t, trap.Listener.Close())
	trap.Listener = elsewhere
	trap.Start()
	t.Cleanup(trap.Close)
	inside := httptest.NewServer(http.RedirectHandler(trap.URL, http.StatusFound))
	t.Cleanup(inside.Close)

	_, err = get(t, Guard{}.Transport(), inside.URL)
	require.ErrorIs(t, err, ErrClosed)
	allowed := New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")})
	_, err = get(t, allowed.Transport(), inside.URL)
	require.ErrorIs(t, err, ErrClosed, "the redirect leads to another address")
	require.ErrorContains(t, err, "127.0.0.2")
	status, err := get(t, Unguarded(), inside.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
}

func TestRedirectsAreCountedAndTellNothing(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" {
			http.Error(w, r.Referer(), http.StatusTeapot)
			return
		}
		var n int
		_, _ = fmt.Sscan(r.PathValue("n"), &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprint("/hop/", n-1), http.StatusFound)
		}
	})
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	status, err := get(t, Unguarded(), srv.URL+"/hop/2?key=secret")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	for _, path := range []string{"/hop/3", "/file"} {
		_, err = get(t, Unguarded(), srv.URL+path)
		require.ErrorIs(t, err, ErrRedirect, path)
	}
}

func TestAURLIsAbsoluteAndOfHTTP(t *testing.T) {
	for _, good := range []string{"http://a", "https://a.example:8443/b?c=d", "http://[::1]/", "http://user:password@a/"} {
		u, err := ParseURL(good)
		require.NoError(t, err)
		require.Equal(t, good, u.String())
	}
	for _, bad := range []string{"", "a", "/a", "//a", "http://", "http:///a", "http://:80", "file:///a", "ftp://a", "http://a:x/secret", "http://a\n"} {
		_, err := ParseURL(bad)
		require.ErrorIs(t, err, ErrURL, bad)
		require.NotContains(t, err.Error(), "secret")
	}
}
