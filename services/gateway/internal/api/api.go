package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

// Limits bounds what one request may take.
type Limits struct {
	Package int64         // bytes of a package
	JSON    int64         // bytes of a JSON body
	Broker  time.Duration // for requests that only need the message broker
	Query   time.Duration // for history to answer
	Inspect time.Duration // for servers to be read
	Fetch   time.Duration // for a package to be fetched
	Resolve time.Duration // for an executor to find a commit
	Read    time.Duration // for a JSON body to arrive
	Idle    time.Duration // without a byte of an upload
	Write   time.Duration // for an answer to leave
}

// API serves version 1.
type API struct {
	Servers     *inventory.Inventory
	Packages    *packages.Catalog
	Fetcher     *packages.Fetcher
	Deployments *deployments.Desk
	Tokens      *tokens.Store
	Idempotency *idempotency.Store
	Seal        seal.PublicKey // what credentials are sealed to
	Limits      Limits
	Log         zerolog.Logger
	WhenBusy    string      // BusyWait or BusyRefuse, for requests that do not say
	Connected   func() bool // to the message broker
}

// Handler returns the API as an HTTP handler.
func (a *API) Handler() http.Handler { return a.handler(routes) }

func (a *API) handler(table []route) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = a.routerError
	e.Pre(identifyRequest)
	for _, r := range table {
		if r.method == anyMethod {
			e.Any(r.path, a.serve(r))
			continue
		}
		e.Add(r.method, r.path, a.serve(r))
	}
	return e
}
