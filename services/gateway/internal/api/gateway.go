package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
)

var errStarting = errors.New("the gateway is starting: it waits for the message broker")

type status struct {
	Status string `json:"status"`
}

func (a *API) health(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return ok(status{"ok"})
}

// Starting answers while the gateway waits for the message broker for the first
// time: it is alive, and not ready.
func (a *API) Starting() http.Handler {
	waiting := *a
	waiting.Broker = func() error { return errStarting }
	return waiting.handler(append(slices.Clone(probes), route{anyMethod, "/*", public, noBody, forBroker, (*API).notYet}))
}

func (a *API) notYet(*call) (answer, error) {
	return answer{}, problemf(codeUnavailable, "%s", errStarting)
}

// whoever is a caller, as it is sent.
type whoever struct {
	Kind    access.Kind   `json:"kind"`
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Grants  access.Grants `json:"grants"`
	Expires *time.Time    `json:"expires_at,omitempty"`
}

func (a *API) whoami(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	grants := append(access.Grants{}, c.caller.Grants...)
	return ok(whoever{c.caller.Kind, c.caller.ID, c.caller.Name, grants, c.caller.Expires})
}
