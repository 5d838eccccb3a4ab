package observe

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// sayEvery is how often it is said that spans do not arrive.
const sayEvery = time.Minute

// newTracers returns what makes the spans of a process: where the environment names
// nowhere to send them, one that makes none. What these variables mean, and what the
// others of OpenTelemetry do (sampler, batches, limits, headers, certificates,
// compression), is OpenTelemetry's to say; it reads them itself.
func newTracers(program string, log zerolog.Logger) (trace.TracerProvider, func(context.Context) error, error) {
	wanted, err := exporting(os.Getenv)
	if err != nil {
		return nil, nil, err
	}
	if !wanted {
		return noop.NewTracerProvider(), func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(context.Background()) // it does not connect
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrExporter, err)
	}
	about, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", program), attribute.String("service.instance.id", xid.New().String())),
		resource.WithTelemetrySDK(), resource.WithFromEnv(), // the last word is the environment's
	)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrExporter, err)
	}
	otel.SetErrorHandler(onceIn(sayEvery, func(err error) { log.Warn().Err(err).Msg("spans are lost") }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider, provider.Shutdown, nil
}

// exporting says whether the environment asks for spans to be exported: by an
// endpoint or by name, and not without a word to localhost, as OpenTelemetry has it.
func exporting(env func(string) string) (bool, error) {
	first := func(names ...string) string {
		i := slices.IndexFunc(names, func(name string) bool { return env(name) != "" })
		if i < 0 {
			return ""
		}
		return strings.ToLower(strings.TrimSpace(env(names[i])))
	}
	exporter := first("OTEL_TRACES_EXPORTER")
	if first("OTEL_SDK_DISABLED") == "true" || exporter == "none" {
		return false, nil
	}
	if exporter != "" && exporter != "otlp" {
		return false, fmt.Errorf("%w: OTEL_TRACES_EXPORTER is %q, and only otlp and none are known", ErrExporter, exporter)
	}
	if exporter == "" && first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return false, nil
	}
	protocol := first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("%w: OTEL_EXPORTER_OTLP_PROTOCOL is %q, and only http/protobuf is spoken", ErrExporter, protocol)
	}
	return true, nil
}

// onceIn calls say with an error at most once in this time.
func onceIn(every time.Duration, say func(error)) otel.ErrorHandlerFunc {
	var (
		mu   sync.Mutex
		last time.Time
	)
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			say(err)
		}
	}
}
