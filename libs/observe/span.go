package observe

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The sides of a span: what it answers, has others do, or does because it was told.
const (
	Within   = trace.SpanKindInternal
	Answers  = trace.SpanKindServer
	Asks     = trace.SpanKindClient
	Produces = trace.SpanKindProducer
	Consumes = trace.SpanKindConsumer
)

// Span is one thing that is done. It ends once.
type Span struct{ span trace.Span }

// Span begins one, as a part of the one in ctx. Its name is one of few; what it is
// about is said by facts.
func (s *Scope) Span(ctx context.Context, side trace.SpanKind, name string, facts ...Fact) (context.Context, Span) {
	ctx, span := s.spans().Start(ctx, name, trace.WithSpanKind(side))
	if span.IsRecording() {
		span.SetAttributes(attributes(facts)...)
	}
	return ctx, Span{span}
}

// Know adds facts that came to be known since it began.
func (s Span) Know(facts ...Fact) {
	if s.span.IsRecording() {
		s.span.SetAttributes(attributes(facts)...)
	}
}

// End ends it; with a code it failed. The code is one of few, and says nothing of
// what was worked with: reasons may hold anything.
func (s Span) End(code string) {
	if code != "" && s.span.IsRecording() {
		s.span.SetStatus(codes.Error, code)
		s.span.SetAttributes(attributes([]Fact{failed(code)})...)
	}
	s.span.End()
}

// header is the name that the W3C gave the trace context.
const header = "traceparent"

var w3c propagation.TraceContext

// Continue returns ctx as a part of the span that a traceparent names; as it is where
// that names none, or where ctx is a part of that trace already.
func Continue(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	there := w3c.Extract(ctx, propagation.MapCarrier{header: traceparent})
	if TraceID(ctx) == TraceID(there) {
		return ctx
	}
	return there
}

// Traceparent names the span in ctx for others to go on from, whether or not this
// process exports any; "" where there is none.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier[header]
}

// TraceID is the id of the trace that ctx is a part of, for logs; "" where there is none.
func TraceID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}
