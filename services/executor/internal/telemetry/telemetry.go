// Package telemetry is what an executor says of itself to those who look at it from
// outside: its metrics, in one table, and its spans.
package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// Upper bounds, in seconds: a step is a round trip or an upload of many minutes.
var (
	ofSteps    = []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}
	ofJobs     = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800}
	ofConnects = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
)

// Telemetry is everything that an executor counts, and where its spans go.
type Telemetry struct {
	*observe.Scope

	Jobs        *prometheus.CounterVec
	Failures    *prometheus.CounterVec
	JobTimes    *prometheus.HistogramVec
	Working     prometheus.Gauge
	Slots       prometheus.Gauge
	Steps       *prometheus.HistogramVec
	Again       prometheus.Counter
	Connects    *prometheus.CounterVec
	ConnectTime prometheus.Observer
	Connections *prometheus.GaugeVec
}

// New defines the metrics. A scope that is nil takes them, too.
func New(s *observe.Scope) *Telemetry {
	return &Telemetry{
		Scope: s,

		Jobs: s.Counter("jobs_total", "jobs that were in hand, by what is done and how that ended: succeeded, failed, cancelled; "+
			"left: another attempt has it; handed_back, cut_short: it will be tried again; over: it had ended before; refused: it cannot be read", "kind", "outcome"),
		Failures: s.Counter("job_failures_total", "jobs that failed, by the code that users see", "code"),
		JobTimes: s.Histogram("job_duration_seconds", "how long a job that came to an end was in hand", ofJobs, "kind"),
		Working:  s.Gauge("jobs_in_progress", "jobs in hand").WithLabelValues(),
		Slots:    s.Gauge("job_slots", "jobs that may be in hand at once").WithLabelValues(),
		Steps:    s.Histogram("step_duration_seconds", "how long a step on a host took, its repeats included, by how it ended: succeeded, failed, cancelled, or left to another attempt", ofSteps, "step", "outcome"),
		Again:    s.Counter("step_repeats_total", "steps that were done again, since the connection broke").WithLabelValues(),
		Connects: s.Counter("ssh_connects_total", "connections to hosts that were opened, or could not be, by the code that users see; "+
			"connected: it was, given_up: nobody needed it any more", "result"),
		ConnectTime: s.Histogram("ssh_connect_duration_seconds", "how long it took to connect and log in, where that succeeded", ofConnects).WithLabelValues(),
		Connections: s.Gauge("ssh_connections", "connections to hosts that are open, by their state: in_use, or idle and kept", "state"),
	}
}
