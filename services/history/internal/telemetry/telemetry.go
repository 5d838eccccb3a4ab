// Package telemetry is what a history says of itself to those who look at it from
// outside: its metrics, in one table, and its spans.
package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// Upper bounds, in seconds.
var (
	ofBatches = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}
	ofQueries = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
)

// Telemetry is everything that a history counts, and where its spans go.
type Telemetry struct {
	*observe.Scope

	Folded     prometheus.Counter
	SetAside   prometheus.Counter
	Batches    prometheus.Observer
	Folds      prometheus.Gauge
	Behind     *prometheus.GaugeVec
	Lag        *prometheus.GaugeVec
	Queries    *prometheus.CounterVec
	QueryTimes *prometheus.HistogramVec
	Archived   prometheus.Counter
}

// New defines the metrics. A scope that is nil takes them, too.
func New(s *observe.Scope) *Telemetry {
	return &Telemetry{
		Scope: s,

		Folded:     s.Counter("fold_events_total", "events that were folded into documents").WithLabelValues(),
		SetAside:   s.Counter("fold_set_aside_total", "events that cannot be folded, and were set aside").WithLabelValues(),
		Batches:    s.Histogram("fold_batch_duration_seconds", "how long it took to fold a batch of events and to store the documents", ofBatches).WithLabelValues(),
		Folds:      s.Gauge("fold_active", "whether this replica folds: 1 or 0; one does").WithLabelValues(),
		Behind:     s.Gauge("fold_behind_events", "events that are stored and in no document yet"),
		Lag:        s.Gauge("fold_lag_seconds", "how long ago the oldest of them was stored; 0: there is none"),
		Queries:    s.Counter("queries_total", "questions that were asked, by what came of them: answered, refused, or lost: the answer could not be sent", "query", "outcome"),
		QueryTimes: s.Histogram("query_duration_seconds", "how long answers took", ofQueries, "query"),
		Archived:   s.Counter("deployments_archived_total", "deployments that went to the archive").WithLabelValues(),
	}
}
