// Package telemetry is what a scheduler says of itself, and of the queues that it
// fills and empties, to those who look from outside: metrics, in one table, and spans.
package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// ofDeployments are upper bounds, in seconds: from one host to a rollout of days.
var ofDeployments = []float64{.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}

// Telemetry is everything that a scheduler counts, and where its spans go.
type Telemetry struct {
	*observe.Scope

	Inputs      *prometheus.CounterVec
	Offered     prometheus.Counter
	Deployments *prometheus.CounterVec
	Times       *prometheus.HistogramVec
	Queued      *prometheus.GaugeVec
	Oldest      *prometheus.GaugeVec
}

// New defines the metrics. A scope that is nil takes them, too.
func New(s *observe.Scope) *Telemetry {
	return &Telemetry{
		Scope: s,

		Inputs: s.Counter("inputs_total", "inputs that were taken up (command, event, timer), by what came of them: done, again: it will be tried again; refused; "+
			"left: the replica stops, or another has it", "input", "outcome"),
		Offered:     s.Counter("jobs_offered_total", "jobs that were stored for hosts").WithLabelValues(),
		Deployments: s.Counter("deployments_ended_total", "deployments that came to an end, by what was done and how that ended", "kind", "state"),
		Times:       s.Histogram("deployment_duration_seconds", "how long deployments took that came to an end, from their acceptance on", ofDeployments, "kind"),
		Queued: s.Gauge("queue_messages", "commands and jobs that are stored and not done: waiting for somebody to take them, or taken. "+
			"Each scheduler shows the same", "queue", "state"),
		Oldest: s.Gauge("queue_oldest_seconds", "how long ago the oldest command or job was stored that is not done; 0: there is none. "+
			"Each scheduler shows the same", "queue"),
	}
}
