package client

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// download is an answer that is copied as it comes.
type download struct {
	kind string // media type
	to   io.Writer
}

// Media types of output that is downloaded, by the name of the format.
var outputMedia = map[string]string{"text": "text/plain", "ndjson": "application/x-ndjson"}

// DownloadOutput writes all that was said on the servers of a deployment by now to w, as text or as ndjson. Where it
// fails, w may have a part of it; it is not tried again.
func (c *Client) DownloadOutput(ctx context.Context, id string, q OutputQuery, format string, w io.Writer) error {
	query := q.filters()
	query.Set("format", format)
	return c.do(ctx, call{method: http.MethodGet, path: deploymentPath(id) + "/logs", query: query, save: &download{outputMedia[format], w}})
}

// copy saves an answer. An answer that breaks off fails with ErrUnreachable, in a way that has nobody repeat the call: a
// part of it is saved already.
func (c *Client) copy(ctx context.Context, resp *http.Response, d *download, p *patience) error {
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != d.kind {
		return fmt.Errorf("%w: %s does not answer as a Slipway server does", ErrUnreachable, c.base.Host)
	}
	body := &failingReader{Reader: p.reading(resp.Body)}
	_, err := io.Copy(d.to, body)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case body.err != nil:
		return fmt.Errorf("%w: %s broke off the download: %w", ErrUnreachable, c.base.Host, body.err)
	}
	return err // of where it is saved
}

// failingReader remembers whether it was reading that failed.
type failingReader struct {
	io.Reader
	err error
}

func (r *failingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
