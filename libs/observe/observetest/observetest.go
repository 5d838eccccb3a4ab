// Package observetest looks at a service under test as operators do: over HTTP, at
// the metrics that it shows.
package observetest

import (
	"context"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// Observed is a service that can be looked at.
type Observed interface {
	Observe(process *observe.Process)
}

// Operator looks at services.
type Operator struct {
	*observe.Process
	t testing.TB
}

// Watch has an operator look at services that do not run yet.
func Watch(t testing.TB, services ...Observed) *Operator {
	t.Helper()
	p, err := observe.New(observe.Config{Listen: "127.0.0.1:0"}, "test", zerolog.Nop())
	require.NoError(t, err)
	for _, s := range services {
		s.Observe(p)
	}
	lifecycletest.Start(t, func(ctx context.Context, ready func()) error {
		return p.Run(ctx, func() {}, func(ctx context.Context, up func()) error {
			up()
			ready()
			<-ctx.Done()
			return nil
		})
	})
	return &Operator{p, t}
}

// Families returns all metrics as they are now, by name.
func (o *Operator) Families() map[string]*dto.MetricFamily {
	o.t.Helper()
	return Scrape(o.t, "http://"+o.Addr())
}

// Scrape returns all metrics that the listener for operators at this URL shows, by name.
func Scrape(t testing.TB, url string) map[string]*dto.MetricFamily {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	require.NoError(t, err)
	return families
}

// Values returns the values of a metric as they are now, by those of its labels, in
// the order of the labels' names, without service: "deploy succeeded". Of a histogram
// it is how many values it has.
func (o *Operator) Values(name string) map[string]float64 {
	o.t.Helper()
	values := map[string]float64{}
	for _, m := range o.Families()["slipway_"+name].GetMetric() {
		pairs := m.GetLabel()
		sort.Slice(pairs, func(i, j int) bool { return pairs[i].GetName() < pairs[j].GetName() })
		var labels []string
		for _, pair := range pairs {
			if pair.GetName() != "service" {
				labels = append(labels, pair.GetValue())
			}
		}
		values[strings.Join(labels, " ")] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return values
}
