package apitest

import (
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

var (
	servicesSince = time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	executor      = client.Replica{
		ID: "r1", State: "ready", Since: &servicesSince, Seen: &servicesSince, Version: "1.2.0",
		Metadata: map[string]string{"machine": "worker-3", "zones": "default,dmz"}, Subjects: []string{"slipway.v1.query.logs.dmz"},
	}
	executors = client.Service{Name: "slipway-executor", Description: "works on hosts over SSH", Ready: 1, Replicas: []client.Replica{executor}}
	unknown   = client.ModeHealth{Status: "unknown"}
	degraded  = client.Health{
		Status: "degraded", At: servicesSince, Version: "1.2.0", Missing: []client.Missing{{Part: "executor", Reason: "no replica is ready"}},
		Services: map[string]int{"slipway-gateway": 2}, Modes: map[string]client.ModeHealth{"docker": unknown, "fallback": unknown, "uv": {Status: "available", Met: &servicesSince}},
		Deployments: &client.UnderWay{Active: 2, Waiting: 1, Limit: 3}, Machine: &client.MachineUse{CPU: 25.3, Memory: 45.2, Disk: 60.1},
		Statistics: &client.Totals{From: "2025-03-31", To: "2026-03-30", Total: 15, Succeeded: 12, Failed: 2, Cancelled: 1, Average: 145300},
	}
	came = []client.ServiceEvent{
		{ID: "2", At: servicesSince, Service: "slipway-executor", Replica: "r1", State: "ready", Version: "1.2.0", Machine: "worker-3"},
		{ID: "1", At: servicesSince, Service: "slipway-history", Replica: "r0", State: "lost", By: "g1"},
	}
)

func (g *Gateway) oneService(w http.ResponseWriter, r *http.Request, name, id string) {
	switch {
	case name != executors.Name, id != "" && id != executor.ID:
		problem(w, r, http.StatusNotFound, "not_found", "no such replica is known")
	case id == "":
		reply(w, http.StatusOK, executors)
	default:
		reply(w, http.StatusOK, client.ReplicaActivity{
			Service: name, Replica: executor, Answers: true, Ping: 0.4, Started: executor.Since,
			Endpoints: []client.Endpoint{{Name: "logs-dmz", Subject: "slipway.v1.query.logs.dmz", Answered: 12, UnderWay: 1, Average: 210.5}},
		})
	}
}

func (g *Gateway) listServiceEvents(w http.ResponseWriter, r *http.Request) {
	var found []client.ServiceEvent
	for _, e := range came {
		if service := r.URL.Query().Get("service"); service == "" || service == e.Service {
			found = append(found, e)
		}
	}
	reply(w, http.StatusOK, pageOf(r, found))
}
