package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/xid"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// openingKeys is how long opening an encrypted private key may take: seconds
// where somebody asked ssh-keygen for many rounds.
const openingKeys = 30 * time.Second

// importing is how long it may take to give thousands of servers their keys.
const importing = time.Minute

// accepting is how long it may take to accept all deployments of a batch.
const accepting = time.Minute

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identifyRequest gives every request an id, the client's if it sent one.
func identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !requestID.MatchString(id) {
			id = xid.New().String()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func (a *API) limit(w wait) time.Duration {
	switch w {
	case forKeys:
		return a.Limits.Broker + openingKeys
	case forHistory: // it asks the broker first, waits for a first event, and then asks history or a scheduler
		return 2*a.Limits.Broker + a.Limits.Query
	case forServers:
		return a.Limits.Broker + a.Limits.Inspect
	case forImport:
		return a.Limits.Broker + importing
	case forBatch:
		return a.Limits.Broker + accepting
	case forUpload, forDialect, forEver: // bounded by their own means: they take as long as something comes
		return 0
	default:
		return a.Limits.Broker
	}
}

// serve makes a handler of HTTP from one of a route: with a bound on its time, a
// log line, and an answer whatever happens.
func (a *API) serve(r route) echo.HandlerFunc { return a.serveIn(nil, r) }

// serveIn is serve for a route of a dialect; nil is none.
func (a *API) serveIn(d *dialects.Dialect, r route) echo.HandlerFunc {
	return func(ec echo.Context) error {
		began := time.Now()
		c := &call{http: ec, whole: ec.Request().Context(), dialect: d}
		done := a.watched(c, r)
		c.lasts(a.limit(r.wait))
		defer func() { c.stop() }()
		status := 0
		defer func() {
			p := recover()
			why, _ := p.(error)
			cut := errors.Is(why, http.ErrAbortHandler)
			if p != nil && !cut {
				// The value may hold anything, a secret too: the stack is what helps.
				said(a.Log.Error(), ec).Bytes("stack", debug.Stack()).Msg("a handler panicked")
				status = a.refuseCall(c, problemf(codeInternal, ""))
			}
			a.recordOutcome(c, r, status)
			done(status)
			a.logRequest(c, r, status, time.Since(began))
			if cut {
				panic(p) // an answer that has begun is broken off: net/http cuts the connection
			}
		}()
		status = a.respond(c, r)
		return nil
	}
}

// lasts bounds how long the call may take from now on; 0: for as long as it likes.
func (c *call) lasts(limit time.Duration) {
	if c.stop != nil {
		c.stop()
	}
	c.ctx, c.stop = c.whole, func() {}
	if limit > 0 {
		c.ctx, c.stop = context.WithTimeout(c.whole, limit)
	}
}

func (a *API) respond(c *call, r route) int {
	got, err := a.run(c, r)
	if err != nil {
		return a.refuseCall(c, err)
	}
	c.undone, c.code = got.undone.status, got.undone.code
	if got.stream != nil {
		got.stream(c)
		return c.http.Response().Status
	}
	for name, value := range got.header {
		c.http.Response().Header().Set(name, value)
	}
	if got.body == nil {
		_ = c.http.NoContent(got.status)
		return got.status
	}
	body, err := json.Marshal(got.body)
	if err != nil {
		return a.refuseCall(c, err)
	}
	_ = c.http.Blob(got.status, mediaJSON, body)
	return got.status
}

func (a *API) run(c *call, r route) (answer, error) {
	if err := a.admitAddress(c.http.Request(), r.probes()); err != nil {
		return answer{}, err
	}
	if r.needs != public {
		if err := a.Broker(); err != nil {
			return answer{}, problemf(codeUnavailable, "%s", err)
		}
		if err := a.authorize(c); err != nil {
			return answer{}, err
		}
	}
	if err := a.permit(c, r); err != nil {
		return answer{}, err
	}
	if err := a.readBody(c, r.body); err != nil {
		return answer{}, err
	}
	c.lasts(a.limit(r.wait)) // a slow client has not used up what the broker needs
	return a.follow(c, r)
}

// follow does what a call asks for that is permitted and whose body is read.
func (a *API) follow(c *call, r route) (answer, error) {
	c.digest = digestOf(c)
	c.record = a.recorder(c, r)
	if r.method == http.MethodPost {
		return a.once(c, r)
	}
	return r.perform(a, c)
}

func (a *API) refuseCall(c *call, err error) int {
	c.code = problemOf(err).code
	if c.dialect != nil {
		return a.refuseIn(*c.dialect, c, err)
	}
	return a.refuse(c.http, err)
}

// perform runs the handler, once the audit log says that it does. It answers nobody who was to be held to what the request is
// about, and was not.
func (r route) perform(a *API, c *call) (answer, error) {
	if err := a.recordFirst(c, r); err != nil {
		return answer{}, err
	}
	got, err := r.handle(a, c)
	if err == nil && c.overlooked() {
		return answer{}, fmt.Errorf("%w: %s %s", errOverlooked, r.method, r.path)
	}
	return got, err
}

var errOverlooked = errors.New("a handler does not look at whom it answers")

func (a *API) logRequest(c *call, r route, status int, took time.Duration) {
	level := zerolog.InfoLevel
	if r.needs == public {
		level = zerolog.DebugLevel // probes
	}
	line := said(a.Log.WithLevel(level), c.http).Str("method", r.method).Str("route", r.path).Int("status", status).
		Dur("took", took).Str("caller", c.caller.Name)
	if trace := observe.TraceID(c.ctx); trace != "" {
		line = line.Str("trace", trace)
	}
	line.Msg("request")
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
