package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
)

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
)

// once runs a handler, or gives the first answer to the same Idempotency-Key.
func (a *API) once(c *call, r route) (answer, error) {
	if c.attempt != nil { // it is a part of another request, and of its attempt
		return r.perform(a, c)
	}
	req := c.http.Request()
	keys := req.Header.Values(headerKey)
	if len(keys) == 0 {
		c.attempt = idempotency.Without()
		c.shorten()
		return r.perform(a, c)
	}
	if len(keys) > 1 || !idempotency.ValidHeader(keys[0]) {
		return answer{}, problemf(codeMalformed, "the request has a bad header").
			with(headerKey, "must be 1 to 255 visible ASCII characters")
	}
	attempt, err := a.begin(c, keys[0])
	if err != nil {
		return answer{}, err
	}
	c.attempt = attempt
	c.shorten()
	if first := attempt.Answer; first != nil {
		if first.Content != "" {
			if err := a.compareUpload(c, first.Content); err != nil {
				return answer{}, err
			}
		}
		return replay(*first), nil
	}
	ended := false
	defer func() {
		if !ended { // a panic
			_ = attempt.Leave(c.ctx)
		}
	}()
	got, err := r.perform(a, c)
	ended = true
	a.conclude(c, got, err)
	return got, err
}

// shorten has what the call makes be called by a short id, if it is to be. A repeat finds the same.
func (c *call) shorten() {
	if c.short {
		c.attempt.Resource = dialects.Short(c.attempt.Resource)
	}
}

func (a *API) begin(c *call, key string) (*idempotency.Attempt, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	return a.Idempotency.Begin(ctx, idempotency.Key(c.caller.ID, key), cmp.Or(c.asked, c.digest))
}

// conclude keeps a good answer for repeats, frees the key where the request was
// refused, and keeps the id where nobody knows what was done, or not all was. What cannot be
// written now only costs a repeat some work.
func (a *API) conclude(c *call, got answer, err error) {
	switch status := problemOf(err).status(); {
	case errors.Is(err, idempotency.ErrMismatch): // the key is another request's, which may be repeated still
		err = c.attempt.Leave(c.ctx)
	case err == nil && got.undone.refused() && !c.passed:
		err = c.attempt.Forget(c.ctx)
	case err == nil && (got.partly || got.undone.failed()):
		err = c.attempt.Leave(c.ctx)
	case err == nil:
		err = a.keep(c, got)
	case status < http.StatusInternalServerError:
		err = c.attempt.Forget(c.ctx)
	default:
		err = c.attempt.Leave(c.ctx)
	}
	if err != nil {
		said(a.Log.Warn(), c.http).Err(err).Msg("the outcome for an idempotency key cannot be stored")
	}
}

func (a *API) keep(c *call, got answer) error {
	if got.kept != nil {
		got.body = got.kept
	}
	body, err := json.Marshal(got.body)
	if err != nil {
		return err
	}
	return c.attempt.Finish(c.ctx, idempotency.Answer{Status: got.status, Header: got.header, Body: body, Content: c.content})
}

func replay(first idempotency.Answer) answer {
	header := map[string]string{headerReplayed: "true"}
	for name, value := range first.Header {
		header[name] = value
	}
	return answer{status: first.Status, header: header, body: json.RawMessage(first.Body)}
}
