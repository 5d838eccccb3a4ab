package observe

import (
	"context"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// prefix stands before the name of every metric.
const prefix = "slipway_"

// Scope is what one service of a process says of itself.
type Scope struct {
	process *Process
	service string
	tracer  trace.Tracer
}

// Metric is what is known of a metric apart from its values.
type Metric struct {
	Service, Name, Kind, Help string
	Labels                    []string
}

// Scope returns what the service of this name says. It is asked for once.
func (p *Process) Scope(service string) *Scope {
	if p == nil {
		return nil
	}
	return &Scope{p, service, p.tracers.Tracer("github.com/slipway-deploy/slipway/services/" + service)}
}

// Metrics returns all metrics that the services of the process have defined, in the
// order in which they did.
func (p *Process) Metrics() []Metric {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.metrics)
}

// Counter defines a metric that only ever grows. Its name has no prefix and ends in _total.
func (s *Scope) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	return define(s, "counter", name, help, labels, prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels))
}

// Gauge defines a metric that grows and shrinks.
func (s *Scope) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return define(s, "gauge", name, help, labels, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labels))
}

// Histogram defines a metric of values that are counted by their size, with these
// upper bounds.
func (s *Scope) Histogram(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	return define(s, "histogram", name, help, labels,
		prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: bounds}, labels))
}

// Read defines a gauge whose value is read when it is asked for.
func (s *Scope) Read(name, help string, value func() float64) {
	gauge := s.Gauge(name, help)
	s.OnRead(func(context.Context) { gauge.WithLabelValues().Set(value()) })
}

// Total defines a counter whose value is read when it is asked for.
func (s *Scope) Total(name, help string, value func() float64) {
	define(s, "counter", name, help, nil, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: prefix + name, Help: help}, value))
}

// OnRead has read called before metrics are shown, to set gauges. Its context ends
// when the answer cannot wait any longer.
func (s *Scope) OnRead(read func(context.Context)) {
	if s == nil {
		return
	}
	s.process.mu.Lock()
	defer s.process.mu.Unlock()
	s.process.reading = append(s.process.reading, read)
}

// Needs names something that the service cannot work without: while well fails, the
// process is not ready.
func (s *Scope) Needs(name string, well func() error) {
	if s == nil {
		return
	}
	s.process.mu.Lock()
	defer s.process.mu.Unlock()
	s.process.checks = append(s.process.checks, check{s.service + "." + name, well})
}

// perFleet are labels that no metric has, since their values grow with the fleet and
// its use.
var perFleet = []string{"host", "server", "deployment", "project", "application", "address", "caller", "webhook", "trace"}

// define registers a metric of the service. A definition that cannot stand is a
// mistake in the program, and panics.
func define[C prometheus.Collector](s *Scope, kind, name, help string, labels []string, metric C) C {
	for _, label := range labels {
		if slices.Contains(perFleet, label) {
			panic(fmt.Sprintf("observe: metric %s has the label %s, of which there are as many as the fleet is large", name, label))
		}
	}
	if s == nil {
		return metric
	}
	prometheus.WrapRegistererWith(prometheus.Labels{"service": s.service}, s.process.registry).MustRegister(metric)
	s.process.mu.Lock()
	defer s.process.mu.Unlock()
	s.process.metrics = append(s.process.metrics, Metric{s.service, prefix + name, kind, help, labels})
	return metric
}

// spans returns what makes spans of this service.
func (s *Scope) spans() trace.Tracer {
	if s == nil {
		return noop.Tracer{}
	}
	return s.tracer
}
