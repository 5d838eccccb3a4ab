package api

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/xid"
	"github.com/rs/zerolog"
)

// openingKeys is how long opening an encrypted private key may take: seconds
// where somebody asked ssh-keygen for many rounds.
const openingKeys = 30 * time.Second

// importing is how long it may take to give thousands of servers their keys.
const importing = time.Minute

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identifyRequest gives every request an id, the client's if it sent one.
func identifyRequest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !requestID.MatchString(id) {
			id = xid.New().String()
		}
		h := c.Response().Header()
		h.Set(echo.HeaderXRequestID, id)
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderCacheControl, "no-store")
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
	case forUpload: // bounded by its own means: it takes as long as bytes come
		return 0
	default:
		return a.Limits.Broker
	}
}

// serve makes a handler of HTTP from one of a route: with a bound on its time, a
// log line, and an answer whatever happens.
func (a *API) serve(r route) echo.HandlerFunc {
	return func(ec echo.Context) error {
		began := time.Now()
		c := &call{http: ec, ctx: ec.Request().Context()}
		if limit := a.limit(r.wait); limit > 0 {
			var cancel context.CancelFunc
			c.ctx, cancel = context.WithTimeout(c.ctx, limit)
			defer cancel()
			a.allowAnswerIn(ec, limit)
		}
		status := 0
		defer func() {
			if p := recover(); p != nil {
				// The value may hold anything, a secret too: the stack is what helps.
				a.Log.Error().Str("request", requestIDOf(ec)).Bytes("stack", debug.Stack()).Msg("a handler panicked")
				status = a.refuse(ec, problemf(codeInternal, ""))
			}
			a.logRequest(c, r, status, time.Since(began))
		}()
		status = a.respond(c, r)
		return nil
	}
}

func (a *API) respond(c *call, r route) int {
	got, err := a.run(c, r)
	if err != nil {
		return a.refuse(c.http, err)
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
		return a.refuse(c.http, err)
	}
	_ = c.http.Blob(got.status, mediaJSON, body)
	return got.status
}

func (a *API) run(c *call, r route) (answer, error) {
	if r.needs != public {
		if err := a.authorize(c, r.needs); err != nil {
			return answer{}, err
		}
	}
	if err := a.readBody(c, r.body); err != nil {
		return answer{}, err
	}
	if r.method == http.MethodPost {
		return a.once(c, r)
	}
	return r.handle(a, c)
}

// allowAnswerIn bounds how long the client may take to read an answer that comes
// within so long.
func (a *API) allowAnswerIn(ec echo.Context, d time.Duration) {
	_ = http.NewResponseController(ec.Response()).SetWriteDeadline(time.Now().Add(d + a.Limits.Write))
}

func (a *API) logRequest(c *call, r route, status int, took time.Duration) {
	level := zerolog.InfoLevel
	if r.needs == public {
		level = zerolog.DebugLevel // probes
	}
	a.Log.WithLevel(level).Str("method", r.method).Str("route", r.path).Int("status", status).
		Dur("took", took).Str("request", requestIDOf(c.http)).Str("token", c.token.Name).Msg("request")
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
