package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

func connect(t *testing.T, address string, patient bool) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: address, Token: apitest.Token, UserAgent: "test", Timeout: patience, Patient: patient})
	require.NoError(t, err)
	return c
}

func packageFile(t *testing.T, content string) *client.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop-1.tar.gz")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	f, err := client.OpenFile(t.Context(), path, nil)
	require.NoError(t, err)
	return f
}

func TestAnswersBecomeErrorsOfTheirClass(t *testing.T) {
	cases := map[int]error{
		400: client.ErrRejected, 401: client.ErrDenied, 403: client.ErrDenied, 404: client.ErrRejected,
		408: client.ErrUnreachable, 409: client.ErrRejected, 412: client.ErrRejected, 413: client.ErrRejected,
		415: client.ErrRejected, 422: client.ErrRejected, 429: client.ErrUnreachable, 500: client.ErrUnreachable,
		502: client.ErrUnreachable, 503: client.ErrUnreachable, 302: client.ErrUnreachable,
	}
	for status, class := range cases {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
				_, _ = w.Write([]byte("<html>no problem document</html>"))
			}))
			defer server.Close()
			_, err := connect(t, server.URL, false).WhoAmI(t.Context())
			require.ErrorIs(t, err, class)
			var p *client.Problem
			require.ErrorAs(t, err, &p)
			require.Equal(t, status, p.Status)
			require.NotContains(t, err.Error(), "html")
		})
	}
}

func TestWhatIsNoGatewayIsUnreachable(t *testing.T) {
	for name, answer := range map[string]string{"a page": "<html>hello</html>", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
			defer server.Close()
			_, err := connect(t, server.URL, false).WhoAmI(t.Context())
			require.ErrorIs(t, err, client.ErrUnreachable)
		})
	}
}

func TestATokenGoesNowhereElse(t *testing.T) {
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Store(true) }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	_, err := connect(t, server.URL, false).WhoAmI(t.Context())
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.False(t, leaked.Load())
}

func TestNoErrorHoldsWhatIsSecret(t *testing.T) {
	_, err := client.New(client.Options{URL: "https://x", Token: "slw_sec\nret"})
	require.ErrorIs(t, err, client.ErrBadToken)
	require.NotContains(t, err.Error(), "sec")
	for _, address := range []string{"https://u:hidden@x", "https://u:hidden@x/%zz", "ftp://hidden", "hidden", "https://x?hidden", ""} {
		_, err := client.New(client.Options{URL: address, Token: "t"})
		require.ErrorIs(t, err, client.ErrBadURL, address)
		require.NotContains(t, err.Error(), "hidden")
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", client.Credential{Password: "hidden"}, client.Credential{Password: "hidden"},
		client.Credential{Password: "hidden"}), "hidden\"")
}

func TestAPatientClientRepeatsWithTheSameKeyUntilItIsAnswered(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	c := connect(t, g.URL, true)
	_, _, err := c.Upload(t.Context(), "", "shop", "1", packageFile(t, "content"), nil)
	require.NoError(t, err)

	var refused, lost atomic.Int32
	g.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && refused.Add(1) == 1 {
			apitest.Unavailable(w, r)
			return true
		}
		return false
	})
	g.Lose(func(r *http.Request) bool { return r.Method == http.MethodPost && lost.Add(1) == 1 })
	made, err := c.Deploy(t.Context(), client.DeploymentCreate{Application: "shop", Version: "1", Servers: []string{"web-1"}})
	require.NoError(t, err)

	asked := g.Seen(http.MethodPost, "/v1/deployments")
	require.Len(t, asked, 2, "the one whose answer was lost, and the repeat")
	require.NotEmpty(t, asked[0].Key)
	require.Equal(t, asked[0].Key, asked[1].Key)
	all, err := client.Collect(c.Deployments(t.Context(), client.DeploymentsQuery{Application: "shop"}, 10))
	require.NoError(t, err)
	require.Len(t, all, 1, "it was made once")
	require.Equal(t, made.ID, all[0].ID)
}

func TestAnImpatientClientAsksOnce(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		apitest.Unavailable(w, r)
	}))
	defer server.Close()
	_, err := connect(t, server.URL, false).WhoAmI(t.Context())
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.EqualValues(t, 1, asked.Load())
}

func TestPatienceEnds(t *testing.T) {
	var waits atomic.Int32
	c, err := client.New(client.Options{
		URL: "http://127.0.0.1:1", Token: "t", Timeout: 2 * time.Second, Patient: true, // where nothing listens
		Waiting: func(error, time.Duration) { waits.Add(1) },
	})
	require.NoError(t, err)
	_, err = c.WhoAmI(t.Context())
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.Positive(t, waits.Load())
}

func TestASilentServerIsGivenUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	c, err := client.New(client.Options{URL: server.URL, Token: "t", Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	_, err = c.WhoAmI(t.Context())
	require.ErrorIs(t, err, client.ErrUnreachable)
	require.ErrorContains(t, err, "did not answer in time")
}

func TestAnInterruptionEndsEveryWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apitest.Unavailable(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := client.New(client.Options{
		URL: server.URL, Token: "t", Timeout: time.Hour, Patient: true, Waiting: func(error, time.Duration) { cancel() },
	})
	require.NoError(t, err)
	_, err = c.WhoAmI(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnUploadIsSentOnce(t *testing.T) {
	g := apitest.New(t)
	c := connect(t, g.URL, true)
	f := packageFile(t, "the content")
	var mu sync.Mutex
	var moved []int64
	first, sent, err := c.Upload(t.Context(), "", "shop", "1+a", f, func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		moved = append(moved, n)
	})
	require.NoError(t, err)
	require.True(t, sent)
	require.Equal(t, f.SHA256, first.SHA256)
	require.EqualValues(t, 11, moved[len(moved)-1])

	again, sent, err := c.Upload(t.Context(), "", "shop", "1+a", f, nil)
	require.NoError(t, err)
	require.False(t, sent)
	require.Equal(t, first, again)

	_, sent, err = c.Upload(t.Context(), "", "shop", "1+a", packageFile(t, "other content"), nil)
	require.ErrorIs(t, err, client.ErrVersionTaken)
	require.ErrorIs(t, err, client.ErrRejected)
	require.False(t, sent)
	require.Len(t, g.Seen(http.MethodPost, "/v1/packages"), 1)
}

func TestAnUploadIsRefusedBeforeItsBytesGo(t *testing.T) {
	var read atomic.Int64
	g := apitest.New(t)
	g.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return true
	})
	_, _, err := connect(t, g.URL, true).Upload(t.Context(), "", "shop", "1", packageFile(t, "content"), func(n int64) { read.Store(n) })
	require.ErrorIs(t, err, client.ErrRejected)
	require.Zero(t, read.Load())
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	g := apitest.New(t)
	var names []string
	for i := range 2*client.PageLimit + 1 {
		names = append(names, fmt.Sprintf("web-%d", i))
	}
	g.AddServers(names...)
	servers, err := client.Collect(connect(t, g.URL, false).Servers(t.Context(), nil))
	require.NoError(t, err)
	require.Len(t, servers, len(names))
	require.Len(t, g.Seen(http.MethodGet, "/v1/servers"), 3)
}

func TestAServerIsFoundByNameAndById(t *testing.T) {
	g := apitest.New(t)
	name := `a/b?c=d&é "quoted"`
	id := g.AddServers(name)[0]
	c := connect(t, g.URL, false)
	for _, ref := range []string{name, id} {
		s, err := c.Server(t.Context(), ref)
		require.NoError(t, err)
		require.Equal(t, name, s.Name)
	}
	_, err := c.Server(t.Context(), "nobody")
	require.ErrorIs(t, err, client.ErrNotFound)
	require.ErrorIs(t, err, client.ErrRejected)
}

func TestAServerIsTheOneThatWasNamedOrNone(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items": [{"id": "d3v5k1jq0s9c73000001", "name": "oldest"}]}`))
	}))
	defer server.Close()
	c := connect(t, server.URL, false)
	for _, ref := range []string{"", "web-1"} {
		_, err := c.Server(t.Context(), ref)
		require.ErrorIs(t, err, client.ErrNotFound, "%q", ref)
	}
	found, err := c.Server(t.Context(), "oldest")
	require.NoError(t, err)
	require.Equal(t, "oldest", found.Name)
}
