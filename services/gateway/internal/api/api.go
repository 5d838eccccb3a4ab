package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
	"github.com/slipway-deploy/slipway/services/gateway/internal/machine"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/registry"
	"github.com/slipway-deploy/slipway/services/gateway/internal/telemetry"
)

// Limits bounds what one request may take.
type Limits struct {
	Package int64         // bytes of a package
	JSON    int64         // bytes of a JSON body
	Broker  time.Duration // for requests that only need the message broker
	Query   time.Duration // for history to answer
	Inspect time.Duration // for servers to be read
	Resolve time.Duration // for an executor to find a commit
	Read    time.Duration // for a JSON body to arrive
	Idle    time.Duration // without a byte of an upload
	Write   time.Duration // for an answer to leave
	Beat    time.Duration // for which a connection that shows events may be silent
}

// API serves version 1.
type API struct {
	Servers     *inventory.Inventory
	Projects    *projects.Store
	Packages    *packages.Catalog
	Numbers     *numbers.Store
	Fetcher     *packages.Fetcher
	Deployments *deployments.Desk
	Live        *live.Hub
	Registry    *registry.Registry
	Machine     *machine.Meter
	Webhooks    Webhooks
	Door        Door
	Edge        Edge
	Idempotency *idempotency.Store
	Audit       *auditlog.Log
	Seal        seal.PublicKey // what credentials and secrets are sealed to
	Limits      Limits
	Log         zerolog.Logger
	Seen        *telemetry.Telemetry // nil: nobody looks
	Profiles    profile.Profiles
	Speech      Speech
	WhenBusy    string       // BusyWait or BusyRefuse, for requests that do not say
	Broker      func() error // why the message broker cannot store anything just now; nil: it can
	Stopping    func() bool  // requests are answered, and others are to go elsewhere; nil: never
}

// Handler returns the API as an HTTP handler.
func (a *API) Handler() http.Handler {
	e := a.handler(routes)
	a.speak(e)
	return e
}

func (a *API) handler(table []route) *echo.Echo {
	if a.Seen == nil {
		a.Seen = telemetry.New(nil)
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = a.routerError
	e.Pre(identifyRequest, a.atTheEdge)
	for _, r := range table {
		if r.method == anyMethod {
			e.Any(r.path, a.serve(r))
			continue
		}
		e.Add(r.method, r.path, a.serve(r))
	}
	return e
}

// speak has the dialects served, too, with and without a slash at the end.
func (a *API) speak(e *echo.Echo) {
	for _, t := range translations(a.Speech) {
		h := a.serveIn(&t.dialect, t.route)
		e.Add(t.route.method, t.route.path, h)
		e.Add(t.route.method, t.route.path+"/", h)
		if t.spoken.AtRoot {
			e.Add(t.route.method, t.spoken.Path, h)
			e.Add(t.route.method, t.spoken.Path+"/", h)
		}
	}
}
