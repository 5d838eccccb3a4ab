package api

import "net/http"

type status struct {
	Status string `json:"status"`
}

func (a *API) health(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return ok(status{"ok"})
}

// readiness says whether requests can be served: the broker is there, and what
// is needed for every request can be read.
func (a *API) readiness(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if !a.Connected() {
		return answer{}, problemf(codeUnavailable, "there is no connection to the message broker")
	}
	if err := a.Tokens.Refresh(c.ctx); err != nil {
		return answer{}, err
	}
	return ok(status{"ok"})
}

// Starting answers while the gateway waits for the message broker for the first
// time: it is alive, and not ready.
func (a *API) Starting() http.Handler {
	waiting := *a
	waiting.Connected = func() bool { return false }
	return waiting.handler([]route{
		{http.MethodGet, "/healthz", public, noBody, forBroker, (*API).health},
		{http.MethodGet, "/readyz", public, noBody, forBroker, (*API).readiness},
		{anyMethod, "/*", public, noBody, forBroker, (*API).notYet},
	})
}

func (a *API) notYet(*call) (answer, error) {
	return answer{}, problemf(codeUnavailable, "the gateway is starting: it waits for the message broker")
}

type identity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

func (a *API) whoami(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	return ok(identity{c.token.ID, c.token.Name, c.token.Role})
}
