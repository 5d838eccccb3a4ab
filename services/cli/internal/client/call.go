package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// call is one operation: what is sent, as often as needed, and where the answer goes.
type call struct {
	method string
	path   string // escaped
	query  url.Values
	key    string // Idempotency-Key
	json   any    // the body, or
	upload *upload
	into   any // where the answer is decoded; nil: there is none
	save   *download
}

// answerLimit bounds an answer, in bytes. The largest is a page of 500 targets with all their steps.
const answerLimit = 64 << 20

// do sends the call until it is answered, or patience ends.
func (c *Client) do(ctx context.Context, op call) error {
	var body []byte
	if op.json != nil {
		var err error
		if body, err = json.Marshal(op.json); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	patience := newPatience(c.opts.Timeout)
	for attempt := 0; ; attempt++ {
		err := c.once(ctx, op, body, patience)
		wait := backoff(attempt, err)
		if err == nil || ctx.Err() != nil || !c.opts.Patient || !passing(err) || patience.left() < wait {
			return err
		}
		if c.opts.Waiting != nil {
			c.opts.Waiting(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// once sends the call and reads the answer.
func (c *Client) once(ctx context.Context, op call, body []byte, p *patience) error {
	ctx, stop := p.watch(ctx)
	defer stop()
	req, err := c.request(ctx, op, body, p)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.lost(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.noteClock(resp.Header.Get("Date"))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return readProblem(resp)
	}
	if op.save != nil {
		return c.copy(ctx, resp, op.save, p)
	}
	if op.into == nil {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	raw, err := io.ReadAll(p.reading(io.LimitReader(resp.Body, answerLimit)))
	switch {
	case err != nil:
		return c.lost(ctx, err)
	case kind != "application/json" || json.Unmarshal(raw, op.into) != nil:
		return fmt.Errorf("%w: %s does not answer as a Slipway server does", ErrUnreachable, c.base.Host)
	}
	return nil
}

func (c *Client) request(ctx context.Context, op call, body []byte, p *patience) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, op.method, c.base.String()+op.path, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadURL, err)
	}
	req.URL.RawQuery = op.query.Encode()
	req.Header.Set("Authorization", "Bearer "+c.opts.Token)
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", c.opts.UserAgent)
	if op.key != "" {
		req.Header.Set("Idempotency-Key", op.key)
	}
	switch {
	case op.upload != nil:
		if err := op.upload.attach(req, p); err != nil {
			return nil, err
		}
	case op.json != nil:
		req.Header.Set("Content-Type", "application/json")
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req, nil
}

// lost says why there is no answer. What the caller ended stays context.Canceled.
func (c *Client) lost(ctx context.Context, err error) error {
	var local *localError
	switch cause := context.Cause(ctx); {
	case errors.As(err, &local):
		return local.err
	case errors.Is(cause, errSilent):
		err = cause
	case cause != nil:
		return cause
	}
	// The text of url.Error would repeat method and address.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &unreachableError{host: c.base.Host, cause: err}
}

// unreachableError is a gateway that gave no answer at all.
type unreachableError struct {
	host  string
	cause error
}

func (e *unreachableError) Error() string   { return fmt.Sprintf("cannot reach %s: %s", e.host, e.cause) }
func (e *unreachableError) Unwrap() []error { return []error{ErrUnreachable, e.cause} }

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
