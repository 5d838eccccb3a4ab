package apitest

import (
	"net/http"
	"slices"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Lock says who has the host of this name and who waits for it, and which deployments are under way.
func (g *Gateway) Lock(name, deployment string, slots client.Slots, waiting ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	server, _ := g.find(name)
	g.locks = append(g.locks, client.Lock{Server: server.ID, Name: name, Deployment: deployment, Waiting: append([]string{}, waiting...)})
	g.slots = slots
}

// Fill lets no more deployments be under way.
func (g *Gateway) Fill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.full = true
}

func (g *Gateway) listLocks(w http.ResponseWriter, r *http.Request) {
	var found []client.Lock
	for _, l := range g.locks {
		if host := r.URL.Query().Get("server"); host == "" || host == l.Name || host == l.Server {
			found = append(found, l)
		}
	}
	slots := g.slots
	slots.Holders, slots.Waiting = append([]client.Slot{}, slots.Holders...), append([]client.Slot{}, slots.Waiting...)
	reply(w, http.StatusOK, struct {
		client.Page[client.Lock]
		Slots client.Slots `json:"slots"`
	}{pageOf(r, found), slots})
}

func (g *Gateway) breakLock(w http.ResponseWriter, r *http.Request, host string) {
	i := slices.IndexFunc(g.locks, func(l client.Lock) bool { return l.Name == host || l.Server == host })
	switch {
	case i < 0:
		problem(w, r, http.StatusNotFound, "not_found", "no deployment has the server")
	case g.locks[i].Deployment != r.URL.Query().Get("deployment"):
		problem(w, r, http.StatusConflict, "conflict", "another deployment has the server: "+g.locks[i].Deployment)
	default:
		g.locks = slices.Delete(g.locks, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}
