package api

import (
	"encoding/json"
	"net/http"

	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
)

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotency-Replayed"
)

// once runs a handler, or gives the first answer to the same Idempotency-Key.
func (a *API) once(c *call, r route) (answer, error) {
	req := c.http.Request()
	keys := req.Header.Values(headerKey)
	if len(keys) == 0 {
		c.attempt = idempotency.Without()
		return r.handle(a, c)
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
	if attempt.Answer != nil {
		return replay(*attempt.Answer), nil
	}
	ended := false
	defer func() {
		if !ended { // a panic
			_ = attempt.Leave(c.ctx)
		}
	}()
	got, err := r.handle(a, c)
	ended = true
	a.conclude(c, got, err)
	return got, err
}

func (a *API) begin(c *call, key string) (*idempotency.Attempt, error) {
	req := c.http.Request()
	ctx, cancel := a.brief(c)
	defer cancel()
	fingerprint := idempotency.Fingerprint(c.secret, req.Method, req.URL.Path, req.URL.Query(), c.body)
	return a.Idempotency.Begin(ctx, idempotency.Key(c.token.ID, key), fingerprint)
}

// conclude keeps a good answer for repeats, frees the key where the request was
// refused, and keeps the id where nobody knows what was done. What cannot be
// written now only costs a repeat some work.
func (a *API) conclude(c *call, got answer, err error) {
	switch status := problemOf(err).status(); {
	case err == nil:
		err = a.keep(c, got)
	case status < http.StatusInternalServerError:
		err = c.attempt.Forget(c.ctx)
	default:
		err = c.attempt.Leave(c.ctx)
	}
	if err != nil {
		a.Log.Warn().Err(err).Str("request", requestIDOf(c.http)).Msg("the outcome for an idempotency key cannot be stored")
	}
}

func (a *API) keep(c *call, got answer) error {
	body, err := json.Marshal(got.body)
	if err != nil {
		return err
	}
	return c.attempt.Finish(c.ctx, idempotency.Answer{Status: got.status, Header: got.header, Body: body})
}

func replay(first idempotency.Answer) answer {
	header := map[string]string{headerReplayed: "true"}
	for name, value := range first.Header {
		header[name] = value
	}
	return answer{status: first.Status, header: header, body: json.RawMessage(first.Body)}
}
