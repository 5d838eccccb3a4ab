// Package telemetry is what a gateway says of itself to those who look at it from
// outside: its metrics, in one table, and its spans.
package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// Upper bounds, in seconds.
var (
	ofRequests = []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60}
	ofTries    = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 15}
)

// Telemetry is everything that a gateway counts, and where its spans go.
type Telemetry struct {
	*observe.Scope

	Requests *prometheus.CounterVec
	Times    *prometheus.HistogramVec
	InFlight prometheus.Gauge
	Accepted prometheus.Counter

	Readers prometheus.Gauge

	Tries      *prometheus.CounterVec
	TryTimes   prometheus.Observer
	Deliveries *prometheus.CounterVec
	Waiting    prometheus.Gauge
	Webhooks   *prometheus.GaugeVec
	Carries    prometheus.Gauge
}

// New defines the metrics. A scope that is nil takes them, too.
func New(s *observe.Scope) *Telemetry {
	return &Telemetry{
		Scope: s,

		Requests: s.Counter("http_requests_total", "requests that were answered, by the template of their path and the class of the status (2xx); "+
			"none: nothing is there. What a request in a dialect, or a batch, has done is none", "method", "route", "status"),
		Times:    s.Histogram("http_request_duration_seconds", "how long answers took, but for those that last as long as the client likes", ofRequests, "method", "route"),
		InFlight: s.Gauge("http_requests_in_flight", "requests that are being answered").WithLabelValues(),
		Accepted: s.Counter("deployments_accepted_total", "deployments that were accepted").WithLabelValues(),

		Readers: s.Gauge("live_readers", "clients that are shown events as they happen").WithLabelValues(),

		Tries:      s.Counter("webhook_tries_total", "deliveries to webhooks that were tried: taken; refused: it answered otherwise; failed: it did not", "outcome"),
		TryTimes:   s.Histogram("webhook_try_duration_seconds", "how long receivers took to answer", ofTries).WithLabelValues(),
		Deliveries: s.Counter("webhook_deliveries_total", "deliveries that came to an end: delivered, or dead", "state"),
		Waiting:    s.Gauge("webhook_deliveries_waiting", "deliveries that are under way, at the gateway that carries them").WithLabelValues(),
		Webhooks: s.Gauge("webhooks", "webhooks, by their state: active, failing: active, and its last try failed; paused, disabled. "+
			"Each gateway shows the same", "state"),
		Carries: s.Gauge("webhook_carrier", "whether this gateway carries the webhooks: 1 or 0; one does").WithLabelValues(),
	}
}
