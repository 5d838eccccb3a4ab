package observe_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/observe"
)

const (
	patience = time.Minute
	tick     = 5 * time.Millisecond
)

func TestMetricsAreShownByService(t *testing.T) {
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	for n, service := range []string{"one", "other"} {
		s := r.process.Scope(service)
		s.Counter("things_total", "things", "kind").WithLabelValues("good").Add(float64(n + 1))
		s.Histogram("thing_seconds", "how long", []float64{1, 2}).WithLabelValues().Observe(1.5)
		read := 0.
		s.Read("looked", "how often it was looked at", func() float64 { read++; return read })
		s.Total("asked_total", "times asked", func() float64 { return 7 })
	}
	_, body := r.ask("GET", "/metrics", "", "")
	for _, want := range []string{
		"# HELP slipway_things_total things\n# TYPE slipway_things_total counter\n",
		`slipway_things_total{kind="good",service="one"} 1` + "\n",
		`slipway_things_total{kind="good",service="other"} 2` + "\n",
		`slipway_thing_seconds_bucket{service="one",le="2"} 1` + "\n",
		`slipway_looked{service="other"} 1` + "\n",
		`slipway_asked_total{service="one"} 7` + "\n",
		"go_goroutines ", "process_resident_memory_bytes ",
	} {
		require.Contains(t, body, want)
	}
	require.Len(t, r.process.Metrics(), 8)
	require.Equal(t, observe.Metric{Service: "one", Name: "slipway_things_total", Kind: "counter", Help: "things", Labels: []string{"kind"}}, r.process.Metrics()[0])
}

func TestAReadingThatHangsHoldsUpNobodyForLong(t *testing.T) {
	r, _ := start(t, observe.Config{Listen: "127.0.0.1:0"}, io.Discard)
	ended := make(chan struct{})
	r.process.Scope("one").OnRead(func(ctx context.Context) {
		<-ctx.Done()
		close(ended)
	})
	status, _ := r.ask("GET", "/metrics", "", "")
	require.Equal(t, 200, status)
	<-ended
}

func TestNoMetricHasALabelThatGrowsWithTheFleet(t *testing.T) {
	var s *observe.Scope
	for _, label := range []string{"host", "deployment", "project", "server", "application"} {
		require.Panics(t, func() { s.Counter("x_total", "x", "kind", label) }, label)
		require.Panics(t, func() { s.Gauge("x", "x", label) }, label)
		require.Panics(t, func() { s.Histogram("x", "x", nil, label) }, label)
	}
}

func TestAScopeThatIsNotThereTakesEverything(t *testing.T) {
	var p *observe.Process
	s := p.Scope("one")
	require.Nil(t, s)
	s.Counter("x_total", "x", "kind").WithLabelValues("a").Inc()
	s.Gauge("x", "x").WithLabelValues().Set(1)
	s.Histogram("x", "x", nil).WithLabelValues().Observe(1)
	s.Read("x", "x", func() float64 { t.Error("nobody asks"); return 0 })
	s.Total("x_total", "x", func() float64 { t.Error("nobody asks"); return 0 })
	s.OnRead(func(context.Context) { t.Error("nobody asks") })
	s.Needs("x", func() error { t.Error("nobody asks"); return nil })
	ctx, span := s.Span(t.Context(), observe.Within, "x", observe.Deployment("d1"))
	span.Know(observe.Attempt(1))
	span.End("failed")
	require.Empty(t, observe.Traceparent(ctx))
}
