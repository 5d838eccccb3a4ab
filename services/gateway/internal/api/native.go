package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// watchAgain is how long to wait before a deployment is watched again whose events could
// not be shown.
const watchAgain = time.Second

var errUntranslatable = errors.New("a dialect asks for what is no operation")

// call makes a request for the operation, from where the one in the dialect is from.
func (n *native) call(ctx context.Context, op dialects.Operation) (route, *call, error) {
	r, known := byName[op.Route]
	if names := r.parameters(); !known || len(names) != len(op.Params) {
		return r, nil, fmt.Errorf("%w: %s %q", errUntranslatable, op.Route, op.Params)
	}
	body := []byte(nil)
	if op.Body != nil {
		var err error
		if body, err = json.Marshal(op.Body); err != nil {
			return r, nil, err
		}
	}
	c := n.outer.inner(ctx, r, op, body)
	if op.Made {
		c.attempt = n.outer.attempt.Part(0)
		return r, c, nil
	}
	c.short = op.Short
	if key := n.outer.http.Request().Header.Get(headerKey); key != "" && r.method == http.MethodPost {
		c.asked = digestAs(c, cmp.Or(op.As, c.http.Request().URL.Path))
		c.http.Request().Header.Set(headerKey, n.keyOf(key, c.asked))
	}
	return r, c, nil
}

// inner makes a call of the route, for the caller of another one and from where that is from.
func (c *call) inner(ctx context.Context, r route, op dialects.Operation, body []byte) *call {
	sent := c.http.Request()
	request := sent.WithContext(ctx)
	request.Method, request.Body, request.ContentLength = r.method, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.URL = &url.URL{Path: r.at(op.Params), RawQuery: op.Query.Encode()}
	request.Header = http.Header{}
	request.Header[echo.HeaderXForwardedFor] = sent.Header.Values(echo.HeaderXForwardedFor) // whom it is from
	w := silent{http.Header{}}
	w.header.Set(echo.HeaderXRequestID, requestIDOf(c.http))
	ec := c.http.Echo().NewContext(request, w)
	ec.SetPath(r.path)
	ec.SetParamNames(r.parameters()...)
	ec.SetParamValues(op.Params...)
	in := &call{http: ec, whole: ctx, caller: c.caller, secret: c.secret}
	switch {
	case op.Content != nil:
		request.Body, request.ContentLength, in.media = io.NopCloser(op.Content), -1, mediaUpload
	case body != nil:
		in.media, in.body = mediaJSON, body
	}
	return in
}

// keyOf is the Idempotency-Key of an operation: what the same request in the dialect asks
// for again is done once, also where nobody has read the answer.
func (n *native) keyOf(outer, digest string) string {
	if n.asked == nil {
		n.asked = map[string]int{}
	}
	n.asked[digest]++
	return idempotency.Within(outer, digest, n.asked[digest])
}

// passOn follows a call that a request in a dialect makes, and decodes its answer.
func (a *API) passOn(outer *call, r route, c *call, into any) error {
	got, err := a.pass(outer, r, c)
	if err != nil {
		return problemOf(err).told()
	}
	if into == nil {
		return nil
	}
	body, err := json.Marshal(got.body)
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	return err
}

// pass follows a call that another one makes, and records and logs it like one that was sent. An error is a problem.
func (a *API) pass(outer *call, r route, c *call) (answer, error) {
	began, done := time.Now(), a.watchedWithin(c, r)
	status := http.StatusInternalServerError // that of a panic, which goes on to where the outer call is served
	c.code = codeInternal
	c.lasts(a.limit(r.wait))
	defer func() {
		c.stop()
		a.recordOutcome(c, r, status)
		done(status)
		a.logRequest(c, r, status, time.Since(began))
		outer.passed = outer.passed || r.changes()
	}()
	got, err := answer{}, a.permit(c, r)
	if err == nil {
		got, err = a.follow(c, r)
	}
	status, c.code = got.status, ""
	if got.stream != nil {
		status = http.StatusOK
	}
	if err != nil {
		p := problemOf(err)
		a.logFailure(c.http, p, err)
		c.code, status = p.code, p.status()
		err = p
	}
	for name, value := range got.header {
		c.http.Response().Header().Set(name, value)
	}
	return got, err
}

// Ended implements dialects.Native.
func (n *native) Ended(ctx context.Context, deployment string) error {
	for {
		err := n.api.watchToTheEnd(ctx, n.outer.caller.ID, deployment)
		switch {
		case errors.Is(err, live.ErrOver):
			return nil
		case errors.Is(err, live.ErrClosed):
			return problemf(codeUnavailable, "the gateway stops; what was begun goes on")
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if end, err := n.api.Deployments.Ended(ctx, deployment); err == nil && end > 0 {
			return nil
		}
		n.api.Log.Debug().Err(err).Str("deployment", deployment).Msg("the end of a deployment is waited for again")
		select {
		case <-time.After(watchAgain):
		case <-ctx.Done():
		}
	}
}

// Numbers implements dialects.Native.
func (n *native) Numbers(ctx context.Context, kind numbers.Kind, ids ...string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, n.api.Limits.Broker)
	defer cancel()
	return n.api.Numbers.Of(ctx, kind, ids...)
}

// Numbered implements dialects.Native.
func (n *native) Numbered(ctx context.Context, kind numbers.Kind, number uint64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, n.api.Limits.Broker)
	defer cancel()
	return n.api.Numbers.ID(ctx, kind, number)
}

// watchToTheEnd returns why there are no more events of a deployment: live.ErrOver where
// it has ended.
func (a *API) watchToTheEnd(ctx context.Context, who, deployment string) error {
	w, err := a.Live.Watch(ctx, who, deployment, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	for err == nil {
		_, err = w.Next(ctx)
	}
	return err
}
