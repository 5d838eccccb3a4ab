package observe_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/otlptest"
)

// callers is a trace context as a caller sends it; itsTrace is its trace.
const (
	itsTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callers  = "00-" + itsTrace + "-00f067aa0ba902b7-01"
)

// trace runs work in a process with this environment, and returns once all spans have left.
func trace(t *testing.T, env map[string]string, log io.Writer, work func(*observe.Scope)) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	p, err := observe.New(observe.Config{}, "slipway-test", zerolog.New(log))
	require.NoError(t, err)
	require.NoError(t, p.Run(t.Context(), func() {}, func(context.Context, func()) error {
		work(p.Scope("one"))
		return nil
	}))
}

func TestSpansLeaveForTheEndpointInTheEnvironment(t *testing.T) {
	to := otlptest.Start(t)
	trace(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
		"OTEL_SERVICE_NAME": "deployments", "OTEL_RESOURCE_ATTRIBUTES": "site=here",
	}, io.Discard, func(s *observe.Scope) {
		ctx, outer := s.Span(observe.Continue(t.Context(), callers), observe.Consumes, "job", observe.Deployment("d1"), observe.Host("h1"), observe.Wave(0))
		inner, span := s.Span(ctx, observe.Within, "step")
		require.True(t, strings.HasPrefix(observe.Traceparent(inner), "00-"+itsTrace+"-"))
		require.Equal(t, itsTrace, observe.TraceID(inner))
		span.End("disk_full")
		outer.Know(observe.Outcome("failed"))
		outer.End("")
	})
	spans := to.Spans()
	require.Len(t, spans, 2)
	step, job := spans[0], spans[1]
	require.Equal(t, "00f067aa0ba902b7", job.Parent)
	require.Equal(t, job.ID, step.Parent)
	require.Equal(t, itsTrace, job.Trace)
	require.Equal(t, itsTrace, step.Trace)
	require.Equal(t, "disk_full", step.Failed)
	require.Equal(t, "deployments", job.Service, "the environment has the last word")
	require.Equal(t, "github.com/slipway-deploy/slipway/services/one", job.Scope)
	require.Equal(t, map[string]string{"slipway.deployment": "d1", "slipway.host": "h1", "slipway.wave": "int_value:0", "slipway.outcome": "failed"}, job.Facts)
}

func TestTheSamplerInTheEnvironmentDecides(t *testing.T) {
	to := otlptest.Start(t)
	trace(t, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": to.URL + "/v1/traces", "OTEL_TRACES_SAMPLER": "always_off"}, io.Discard,
		func(s *observe.Scope) {
			ctx, span := s.Span(t.Context(), observe.Within, "x")
			span.End("")
			require.True(t, strings.HasSuffix(observe.Traceparent(ctx), "-00"), "others know that it is not sampled")
		})
	require.Empty(t, to.Spans())
}

func TestWithoutAnEndpointNothingIsExportedAndTheTraceGoesOn(t *testing.T) {
	to := otlptest.Start(t)
	for name, env := range map[string]map[string]string{
		"nothing is set": {},
		"none":           {"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL, "OTEL_TRACES_EXPORTER": "none"},
		"disabled":       {"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL, "OTEL_SDK_DISABLED": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			trace(t, env, io.Discard, func(s *observe.Scope) {
				ctx, span := s.Span(observe.Continue(t.Context(), callers), observe.Within, "x")
				require.Equal(t, callers, observe.Traceparent(ctx), "whoever comes next is of the caller's trace")
				span.End("")
			})
			require.Empty(t, to.Spans())
		})
	}
}

func TestAnExporterThatThereIsNotIsRefused(t *testing.T) {
	for name, value := range map[string]string{"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
			t.Setenv(name, value)
			_, err := observe.New(observe.Config{}, "test", zerolog.Nop())
			require.ErrorIs(t, err, observe.ErrExporter)
			require.ErrorContains(t, err, value)
		})
	}
}

func TestACollectorThatIsAwayCostsSpansAndAWordInTheLog(t *testing.T) {
	var said lifecycletest.Output
	trace(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "100"}, &said, func(s *observe.Scope) {
		for range 3 {
			_, span := s.Span(t.Context(), observe.Within, "x")
			span.End("")
		}
	})
	require.Equal(t, 1, strings.Count(said.String(), "spans are lost"))
}

func TestWhatIsNoTraceContextIsNone(t *testing.T) {
	for _, bad := range []string{"", "x", "00-0-0-01", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", callers + "\r\nx: y"} {
		require.Empty(t, observe.Traceparent(observe.Continue(t.Context(), bad)), bad)
	}
}
