package web

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/sourcetest"
)

const limit = 8 << 20 // bytes of a package in these tests

func client(adjust func(*Options)) *Client {
	opts := Options{
		Guard: netguard.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}),
		Max:   limit, Stall: 10 * time.Second, Retry: source.Retry{Tries: 3, Pause: time.Millisecond},
	}
	if adjust != nil {
		adjust(&opts)
	}
	return New(opts)
}

func content(seed byte, size int) ([]byte, string) {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b, shaOf(b)
}

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func newFile(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "package"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// fetch fetches the URL and returns what came.
func fetch(t *testing.T, c *Client, url, sha string, credential contract.SourceCredential) ([]byte, error) {
	t.Helper()
	f := newFile(t)
	err := c.Fetch(t.Context(), FileOf(contract.URLSource{URL: url}, credential), sha, f)
	got, readErr := os.ReadFile(f.Name())
	require.NoError(t, readErr)
	return got, err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// cutting serves data and breaks each of the first connections after so many
// bytes.
func cutting(t *testing.T, data []byte, etag string, after ...int) (*httptest.Server, *[]string) {
	t.Helper()
	var asked []string
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		if etag != "" {
			w.Header().Set("Etag", etag)
		}
		if n < len(after) {
			w = sourcetest.Cut(w, after[n])
		}
		n++
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	return s, &asked
}

func TestAFetchGoesOnFromWhereItsConnectionBroke(t *testing.T) {
	data, sha := content(1, 3<<20)
	// More cuts than tries: each came further.
	srv, asked := cutting(t, data, `"one"`, 1<<20, 500_000, 500_000, 500_000)
	got, err := fetch(t, client(nil), srv.URL, sha, contract.SourceCredential{})
	require.NoError(t, err)
	require.Equal(t, sha, shaOf(got))
	require.Equal(t, []string{"", "bytes=1048576-", "bytes=1548576-", "bytes=2048576-", "bytes=2548576-"}, *asked)
}

func TestWithoutAStrongETagAFetchBeginsAnew(t *testing.T) {
	data, sha := content(1, 2<<20)
	for _, etag := range []string{"", `W/"weak"`} {
		srv, asked := cutting(t, data, etag, 1<<20)
		got, err := fetch(t, client(nil), srv.URL, sha, contract.SourceCredential{})
		require.NoError(t, err)
		require.Equal(t, sha, shaOf(got))
		require.Equal(t, []string{"", ""}, *asked)
	}
}

func TestAFetchThatNeverComesFurtherIsGivenUp(t *testing.T) {
	data, sha := content(1, 2<<20)
	srv, asked := cutting(t, data, "", 1<<20, 1<<20, 1<<20, 1<<20, 1<<20)
	_, err := fetch(t, client(nil), srv.URL, sha, contract.SourceCredential{})
	require.ErrorIs(t, err, source.ErrUnreachable)
	require.ErrorContains(t, err, "broke after")
	require.Len(t, *asked, 3)
}

func TestContentThatChangesMeanwhileIsFetchedFromItsStart(t *testing.T) {
	old, _ := content(1, 2<<20)
	changed, sha := content(2, 2<<20)
	for _, honest := range []bool{true, false} { // whether the server tells that it changed
		n := 0
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			data, etag := changed, `"new"`
			if n++; n == 1 {
				data, w = old, sourcetest.Cut(w, 1<<20)
			}
			if n == 1 || !honest {
				etag = `"old"`
			}
			w.Header().Set("Etag", etag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		})
		got, err := fetch(t, client(nil), srv.URL, sha, contract.SourceCredential{})
		require.NoError(t, err)
		require.Equal(t, sha, shaOf(got), honest)
	}
}

func TestWhatAServerAnswersDecidesWhetherItIsAskedAgain(t *testing.T) {
	for status, want := range map[int]struct {
		err   error
		times int
	}{
		401: {source.ErrDenied, 1}, 403: {source.ErrDenied, 1}, 400: {source.ErrDenied, 1},
		404: {source.ErrGone, 1}, 410: {source.ErrGone, 1}, 429: {source.ErrUnreachable, 3},
		500: {source.ErrUnreachable, 3}, 503: {source.ErrUnreachable, 3}, 204: {source.ErrUnreachable, 3},
	} {
		times := 0
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { times++; w.WriteHeader(status) })
		_, err := fetch(t, client(nil), srv.URL+"/a/shop.tgz", "", contract.SourceCredential{Query: "sig=hidden"})
		require.ErrorIs(t, err, want.err, status)
		require.ErrorContains(t, err, srv.URL+"/a/shop.tgz: its server answers "+fmt.Sprint(status))
		require.NotContains(t, err.Error(), "hidden")
		require.Equal(t, want.times, times, status)
	}
}

func TestAServerThatRecoversIsFetchedFrom(t *testing.T) {
	data, sha := content(1, 1000)
	n := 0
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(data)
	})
	got, err := fetch(t, client(nil), srv.URL, sha, contract.SourceCredential{})
	require.NoError(t, err)
	require.Equal(t, sha, shaOf(got))
}

func TestAServerThatStallsIsLeft(t *testing.T) {
	data, sha := content(1, 2<<20)
	var n atomic.Int32
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"one"`)
		if n.Add(1) == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			_, _ = w.Write(data[:1<<20])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
	got, err := fetch(t, client(func(o *Options) { o.Stall = time.Second }), srv.URL, sha, contract.SourceCredential{})
	require.NoError(t, err)
	require.Equal(t, sha, shaOf(got))
}

func TestWhatIsTooLargeIsNotTakenWhetherItSaysSoOrNot(t *testing.T) {
	for _, length := range []bool{true, false} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if length {
				w.Header().Set("Content-Length", fmt.Sprint(limit+1))
			}
			_, _ = w.Write(make([]byte, limit+1))
		})
		got, err := fetch(t, client(nil), srv.URL, "", contract.SourceCredential{})
		require.ErrorIs(t, err, source.ErrTooLarge)
		require.LessOrEqual(t, len(got), limit)
	}
}

func TestOnlyAllowedAddressesAreFetchedFromAlsoByRedirects(t *testing.T) {
	trap := httptest.NewUnstartedServer(http.NotFoundHandler())
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.2:0")
	require.NoError(t, err)
	trap.Listener = l
	trap.Start()
	t.Cleanup(trap.Close)
	mux := http.NewServeMux()
	mux.Handle("/trap", http.RedirectHandler(trap.URL, http.StatusFound))
	mux.Handle("/file", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.Handle("/good", http.RedirectHandler("/data", http.StatusFound))
	mux.HandleFunc("/data", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)

	for _, path := range []string{"/trap", "/file", "/round"} {
		_, err := fetch(t, client(nil), srv.URL+path, "", contract.SourceCredential{})
		require.ErrorIs(t, err, source.ErrRefused, path)
	}
	_, err = fetch(t, client(func(o *Options) { o.Guard = netguard.Guard{} }), srv.URL, "", contract.SourceCredential{})
	require.ErrorIs(t, err, source.ErrRefused)
	got, err := fetch(t, client(nil), srv.URL+"/good", shaOf([]byte("x")), contract.SourceCredential{})
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
	_, err = fetch(t, client(nil), "ftp://127.0.0.1/x", "", contract.SourceCredential{})
	require.ErrorIs(t, err, source.ErrRefused)
}

func TestWhoAsksIsShownToTheServerAlone(t *testing.T) {
	var other http.Header
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { other = r.Header }))
	t.Cleanup(elsewhere.Close)
	byName := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
	var shown []string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		shown = append(shown, r.Header.Get("Authorization")+" "+r.URL.RawQuery)
		http.Redirect(w, r, byName, http.StatusFound)
	})
	for _, c := range []contract.SourceCredential{{Username: "ci", Password: "s3cret"}, {Token: "t0ken"}, {Query: "sig=a%2Bb"}} {
		_, err := fetch(t, client(nil), srv.URL, "", c)
		require.NoError(t, err)
		require.Empty(t, other.Get("Authorization"))
		require.Empty(t, other.Get("Referer"))
	}
	require.Equal(t, []string{"Basic Y2k6czNjcmV0 ", "Bearer t0ken ", " sig=a%2Bb"}, shown)
}

func TestCertificatesAreCheckedAndHTTPSIsNotLeft(t *testing.T) {
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	srv := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(srv.Close)
	_, err := fetch(t, client(nil), srv.URL, "", contract.SourceCredential{})
	require.ErrorIs(t, err, source.ErrRefused)
	require.ErrorContains(t, err, "not trusted")
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	_, err = fetch(t, client(func(o *Options) { o.Roots = roots }), srv.URL, "", contract.SourceCredential{})
	require.ErrorIs(t, err, source.ErrRefused)
	require.ErrorContains(t, err, "from https to http")
}

func TestAFileThatCannotBeWrittenIsTheExecutorsOwnTrouble(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	require.NoError(t, err)
	defer full.Close()
	err = client(nil).Fetch(t.Context(), FileOf(contract.URLSource{URL: srv.URL}, contract.SourceCredential{}), "", full)
	require.ErrorIs(t, err, source.ErrLocal)
}
