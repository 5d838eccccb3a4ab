// Package otlptest receives the spans that a program under test exports, as a
// collector of OpenTelemetry does: OTLP over HTTP, in protobuf.
package otlptest

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one that was received.
type Span struct {
	Service, Scope   string // who made it: service.name, and the instrumentation scope
	Name             string
	Trace, ID        string // hex
	Parent           string // hex; empty: none
	Failed           string // code it failed with
	Facts            map[string]string
	Started, Stopped time.Time
}

// Receiver is a collector that keeps what it gets.
type Receiver struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	mu    sync.Mutex
	spans []Span
	raw   []byte
}

// Start runs a collector until the test ends.
func Start(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.take(req); err != nil {
			t.Errorf("an export that cannot be read: %v", err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *Receiver) take(req *http.Request) error {
	var body io.Reader = req.Body
	if req.Header.Get("Content-Encoding") == "gzip" {
		clear, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = clear
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var export collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &export); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, raw...)
	for _, from := range export.GetResourceSpans() {
		service := facts(from.GetResource().GetAttributes())["service.name"]
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, read(service, scope.GetScope().GetName(), s))
			}
		}
	}
	return nil
}

func read(service, scope string, s *wire.Span) Span {
	got := Span{
		Service: service, Scope: scope, Name: s.GetName(), Facts: facts(s.GetAttributes()),
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Started: time.Unix(0, int64(s.GetStartTimeUnixNano())), Stopped: time.Unix(0, int64(s.GetEndTimeUnixNano())),
	}
	if s.GetStatus().GetCode() == wire.Status_STATUS_CODE_ERROR {
		got.Failed = s.GetStatus().GetMessage()
	}
	return got
}

func facts(all []*common.KeyValue) map[string]string {
	found := map[string]string{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			found[a.GetKey()] = v.StringValue
		default:
			found[a.GetKey()] = a.GetValue().String()
		}
	}
	return found
}

// Spans returns what has come so far.
func (r *Receiver) Spans() []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// Raw returns every byte that has come so far.
func (r *Receiver) Raw() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.raw)
}

// Await waits until what has come is enough, and returns it.
func (r *Receiver) Await(t testing.TB, enough func([]Span) bool, what string) []Span {
	t.Helper()
	require.Eventually(t, func() bool { return enough(r.Spans()) }, time.Minute, 5*time.Millisecond, "spans: %s", what)
	return r.Spans()
}
