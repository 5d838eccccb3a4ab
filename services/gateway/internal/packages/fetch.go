package packages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxRedirects  = 5
	answerTimeout = 30 * time.Second // from the request to the head of its answer
	stallTimeout  = time.Minute      // without a byte
)

// Fetcher gets packages from URLs that clients name.
type Fetcher struct {
	client  *http.Client
	timeout time.Duration
}

// NewFetcher returns a fetcher that may also connect to what is not public in
// these ranges, and takes at most so long for one fetch.
func NewFetcher(allowed []netip.Prefix, timeout time.Duration) *Fetcher {
	transport := netguard.New(allowed).Transport()
	transport.ResponseHeaderTimeout = answerTimeout
	transport.DisableCompression = true // the digest is of what is stored there
	return &Fetcher{
		timeout: timeout,
		client:  &http.Client{Transport: transport, CheckRedirect: netguard.Redirects(maxRedirects)},
	}
}

// FilenameIn returns the last part of the path of a URL that rule.URL has nothing
// against, or "" where that is no filename.
func FilenameIn(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	name := path.Base(u.Path)
	if strings.HasSuffix(u.Path, "/") || rule.Filename(name) != "" {
		return ""
	}
	return name
}

// Fetch gives what lies at the URL to take, which gets an error from reading
// where it does not come whole. It fails with ErrRefused, ErrFetch, or what take
// returns; its messages do not repeat the URL, which may hold a secret.
func (f *Fetcher) Fetch(ctx context.Context, location string, limit int64, take func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return fmt.Errorf("%w: it is not a URL", ErrFetch)
	}
	req.Header.Set("User-Agent", "slipway-gateway")
	res, err := f.client.Do(req) //nolint:bodyclose // it is closed below; the linter loses it in the closure
	if err != nil {
		return fetchError(ctx, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: its server answers %d", ErrFetch, res.StatusCode)
	}
	if res.ContentLength > limit {
		return ErrTooLarge
	}
	watch := time.AfterFunc(stallTimeout, cancel)
	defer watch.Stop()
	return take(readerFunc(func(p []byte) (int, error) {
		watch.Reset(stallTimeout)
		return res.Body.Read(p)
	}))
}

// fetchError says why a request failed, without its URL.
func fetchError(ctx context.Context, err error) error {
	sentinel := ErrFetch
	if errors.Is(err, netguard.ErrClosed) {
		sentinel = ErrRefused
	}
	return fmt.Errorf("%w: %s", sentinel, netguard.Explain(ctx, err))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
