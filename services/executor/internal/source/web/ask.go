package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/services/executor/internal/source"
)

// maxExplanation is how much of an error's body is looked at, in bytes.
const maxExplanation = 8 << 10

// errRange says that a server knows no such part of a file as it was asked for.
var errRange = errors.New("it has no such part")

// File is a file to fetch.
type File struct {
	Location string // for people
	URL      string
	// Sign puts on a request what proves who asks; nil: nothing does.
	Sign func(*http.Request)
	// Explain finds the code of an error in its body; nil: it is not looked at.
	Explain func(body []byte) string
}

// FileOf is the file that a source names.
func FileOf(s contract.URLSource, c contract.SourceCredential) File {
	f := File{Location: s.URL, URL: s.URL}
	if c.Query != "" {
		f.URL += "?" + c.Query
	}
	switch {
	case c.Token != "":
		f.Sign = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.Token) }
	case c.Username != "" || c.Password != "":
		f.Sign = func(r *http.Request) { r.SetBasicAuth(c.Username, c.Password) }
	}
	return f
}

// ask sends the request for what follows the first offset bytes of a file, and
// returns the answer if it is one that has content. etag, if not "", is that of
// the content so far.
func (c *Client) ask(ctx context.Context, f File, offset int64, etag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil || !isHTTP(req.URL) {
		return nil, fmt.Errorf("%w: it is no http or https URL", source.ErrRefused)
	}
	req.Header.Set("User-Agent", "slipway-executor")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		req.Header.Set("If-Range", etag)
	}
	if f.Sign != nil {
		f.Sign(req)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, f, err)
	}
	if res.StatusCode == http.StatusOK || res.StatusCode == http.StatusPartialContent && offset > 0 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, f.refusal(res)
}

func isHTTP(u *url.URL) bool { return u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") }

// lost is why there was no answer.
func lost(ctx context.Context, f File, err error) error {
	why := source.ErrUnreachable
	var cert *tls.CertificateVerificationError
	if errors.Is(err, netguard.ErrClosed) || errors.Is(err, netguard.ErrRedirect) || errors.As(err, &cert) {
		why = source.ErrRefused
	}
	return fmt.Errorf("%w: %s: %s", why, f.Location, netguard.Explain(ctx, err))
}

// refusal is what an answer without content means.
func (f File) refusal(res *http.Response) error {
	said := strconv.Itoa(res.StatusCode)
	if f.Explain != nil {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxExplanation))
		if code := f.Explain(body); code != "" {
			said += " (" + code + ")"
		}
	}
	why := source.ErrDenied
	switch code := res.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		why = source.ErrGone
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500,
		code == http.StatusRequestedRangeNotSatisfiable, code < 300:
		why = source.ErrUnreachable
	}
	err := fmt.Errorf("%w: %s: its server answers %s", why, f.Location, said)
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return fmt.Errorf("%w: %w", err, errRange)
	}
	if after, e := strconv.Atoi(res.Header.Get("Retry-After")); e == nil && after > 0 && errors.Is(why, source.ErrUnreachable) {
		return source.Later{Err: err, After: time.Duration(after) * time.Second}
	}
	return err
}
