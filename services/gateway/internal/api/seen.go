package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// nowhere stands for the route of what no route is for.
const nowhere = "none"

// watched begins to count a call, and a span of it: within the trace of the client, if it
// names one. Probes are none of a trace, and nor is what stays open for as long as the
// client likes. A request in a dialect stays until what it asks for has ended. done is called once, with the status of the answer.
func (a *API) watched(c *call, r route) (done func(status int)) {
	began := time.Now()
	a.Seen.InFlight.Inc()
	end := func(int) {}
	if r.needs != public && r.wait != forEver {
		end = a.traced(c, r)
	}
	return func(status int) {
		a.Seen.InFlight.Dec()
		a.count(r.method, r.path, status)
		a.countAccepted(c, status)
		if r.wait != forEver && !c.lingers {
			a.Seen.Times.WithLabelValues(methodOf(r.method), r.path).Observe(time.Since(began).Seconds())
		}
		end(status)
	}
}

// watchedWithin is watched for a call that another one makes: a part of its span, and no
// request that somebody has sent.
func (a *API) watchedWithin(c *call, r route) (done func(status int)) {
	end := a.traceAs(c, r, true)
	return func(status int) {
		a.countAccepted(c, status)
		end(status)
	}
}

// countAccepted counts a deployment that was made now.
func (a *API) countAccepted(c *call, status int) {
	if _, ok := made(c.http); ok && status == http.StatusAccepted && (c.attempt == nil || c.attempt.Answer == nil) {
		a.Seen.Accepted.Inc()
	}
}

func (a *API) traced(c *call, r route) (end func(status int)) {
	c.whole = observe.Continue(c.whole, c.http.Request().Header.Get("traceparent"))
	return a.traceAs(c, r, false)
}

// traceAs begins a span of the call, as a part of the one that it is in: within a call, or
// of one that was sent.
func (a *API) traceAs(c *call, r route, within bool) (end func(status int)) {
	side := observe.Answers
	if within {
		side = observe.Within
	}
	ctx, span := a.Seen.Span(c.whole, side, r.method+" "+r.path,
		observe.Method(r.method), observe.Route(r.path), observe.Request(requestIDOf(c.http)))
	c.whole = ctx
	return func(status int) {
		span.Know(observe.Status(status))
		span.Know(observe.Deployment(about(c.http)))
		if status >= http.StatusInternalServerError {
			span.End(string(c.code))
			return
		}
		span.End("")
	}
}

// count counts an answer.
func (a *API) count(method, path string, status int) {
	a.Seen.Requests.WithLabelValues(methodOf(method), path, strconv.Itoa(status/100)+"xx").Inc()
}

// methodOf is a method as it is counted: clients make up others.
func methodOf(method string) string {
	known := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	if slices.Contains(known, method) {
		return method
	}
	return "other"
}

// about is the id of the deployment that a request is about, or has made; "" if it is
// about none.
func about(c echo.Context) string {
	if id, ok := made(c); ok {
		return id
	}
	if (route{path: c.Path()}).ofDeployment() {
		return audit.Text(c.Param("id"))
	}
	return ""
}

// made is the id of the deployment that the answer names as made.
func made(c echo.Context) (id string, ok bool) {
	return strings.CutPrefix(c.Response().Header().Get(echo.HeaderLocation), "/v1/deployments/")
}

// said adds to a line of the log which request it is about, and which deployment.
func said(line *zerolog.Event, c echo.Context) *zerolog.Event {
	line = line.Str("request", requestIDOf(c))
	if id := about(c); id != "" {
		line = line.Str("deployment", id)
	}
	return line
}
