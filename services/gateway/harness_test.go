package gateway_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
	"github.com/slipway-deploy/slipway/libs/openapitest"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

const patience = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(asGateway) != "" {
		os.Exit(runAsGateway())
	}
	status := m.Run()
	// A part of the tests says nothing about the whole.
	whole := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
	if status == 0 && whole {
		if missing := openapi().Unseen(); len(missing) > 0 {
			fmt.Printf("FAIL: openapi.yaml promises answers that no test has seen:\n  %s\n", strings.Join(missing, "\n  "))
			status = 1
		}
	}
	os.Exit(status)
}

// fixture is a gateway with a broker of its own.
type fixture struct {
	testing.TB
	broker *bustest.Server
	bus    *bus.Bus // the test's own connection
	key    seal.PrivateKey
	log    *lifecycletest.Output
	cfg    gateway.Config
	url    string
	token  string
	client *http.Client          // holds every exchange to openapi.yaml
	seen   *observetest.Operator // who looks at each gateway that is started; nil: nobody
}

// openapi is the document that every exchange of these tests is held to.
var openapi = sync.OnceValue(openapitest.Load)

// held returns a client that holds every exchange to openapi.yaml.
func held(t testing.TB, base http.RoundTripper) *http.Client {
	return &http.Client{Transport: &openapitest.Transport{Document: openapi(), Base: base, Report: func(err error) { t.Error(err) }}}
}

// start runs a broker and a gateway until the test ends.
func start(t testing.TB, configure ...func(*gateway.Config)) *fixture {
	t.Helper()
	f := prepare(t, configure...)
	f.begins()
	return f
}

// startSeen is start with somebody who looks at the gateway.
func startSeen(t testing.TB, configure ...func(*gateway.Config)) *fixture {
	t.Helper()
	f := prepare(t, configure...)
	f.seen = observetest.Watch(t)
	f.begins()
	return f
}

func (f *fixture) begins() {
	f.Helper()
	f.openBus()
	token, created, err := gateway.Bootstrap(f.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(f, err)
	require.True(f, created)
	f.token = token
	f.url = f.run()
}

// prepare is start without starting the gateway.
func prepare(t testing.TB, configure ...func(*gateway.Config)) *fixture {
	t.Helper()
	return prepareOn(t, bustest.Start(t), configure...)
}

// prepareOn is prepare on a broker.
func prepareOn(t testing.TB, broker *bustest.Server, configure ...func(*gateway.Config)) *fixture {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	f := &fixture{TB: t, broker: broker, key: key, log: &lifecycletest.Output{}, client: held(t, nil)}
	config.Defaults(&f.cfg)
	f.cfg.Listen = "127.0.0.1:0"
	// A busy machine is no reason for a test to fail; tests that want an end to
	// patience start an impatient gateway.
	f.cfg.Timeouts.Broker, f.cfg.Timeouts.Query, f.cfg.Timeouts.Inspect = patience, patience, patience
	f.cfg.SealPublicKey = key.Public().String()
	for _, change := range configure {
		change(&f.cfg)
	}
	return f
}

func (f *fixture) openBus() {
	f.Helper()
	var err error
	f.bus, err = bus.Open(f.Context(), f.broker.Connect(f), f.cfg.NATS, zerolog.Nop())
	require.NoError(f, err)
}

// run starts a gateway, waits until it is ready, and returns where it listens.
func (f *fixture) run() string {
	f.Helper()
	service, err := gateway.New(f.cfg, zerolog.New(f.log), nats.InProcessServer(f.broker), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(f, err)
	if f.seen != nil {
		service.Observe(f.seen.Process)
	}
	lifecycletest.Start(f, service.Run)
	return "http://" + service.Addr()
}

// runImpatient starts another gateway, which gives up on the broker at once.
func (f *fixture) runImpatient() string {
	f.Helper()
	before := f.cfg.Timeouts.Broker
	f.cfg.Timeouts.Broker = 300 * time.Millisecond
	defer func() { f.cfg.Timeouts.Broker = before }()
	return f.run()
}

// reply is an answer, read to its end.
type reply struct {
	testing.TB
	*http.Response
	raw []byte
}

// request is what a test sends; zero fields are defaults.
type request struct {
	method, path string
	body         any // JSON; []byte as it is; io.Reader as a stream
	media        string
	header       map[string]string
	anonymous    bool
	url          string // another gateway
}

// send sends a request and holds the exchange to openapi.yaml.
func (f *fixture) send(r request) *reply {
	f.Helper()
	res, err := f.try(r)
	require.NoError(f, err)
	return res
}

func (f *fixture) try(r request) (*reply, error) {
	f.Helper()
	body, media := f.encode(r)
	base := f.url
	if r.url != "" {
		base = r.url
	}
	req, err := http.NewRequestWithContext(f.Context(), r.method, base+r.path, body)
	require.NoError(f, err)
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if !r.anonymous {
		req.Header.Set("Authorization", "Bearer "+f.token)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	return &reply{f, res, raw}, nil
}

func (f *fixture) encode(r request) (body io.Reader, media string) {
	f.Helper()
	switch b := r.body.(type) {
	case nil:
		return nil, r.media
	case []byte:
		body = bytes.NewReader(b)
	case io.Reader:
		body = b
	default:
		sent, err := json.Marshal(b)
		require.NoError(f, err)
		body = bytes.NewReader(sent)
	}
	return body, cmp.Or(r.media, "application/json")
}

func (f *fixture) get(path string) *reply {
	f.Helper()
	return f.send(request{method: "GET", path: path})
}

func (f *fixture) post(path string, body any) *reply {
	f.Helper()
	return f.send(request{method: "POST", path: path, body: body})
}

func (f *fixture) patch(path string, body any) *reply {
	f.Helper()
	return f.send(request{method: "PATCH", path: path, body: body})
}

func (f *fixture) delete(path string) *reply {
	f.Helper()
	return f.send(request{method: "DELETE", path: path})
}

// is requires the status, and gives the reply on.
func (r *reply) is(status int) *reply {
	r.Helper()
	require.Equal(r, status, r.StatusCode, "%s", r.raw)
	return r
}

// refused requires a problem of this status and code, and returns what is wrong
// with each field.
func (r *reply) refused(status int, code string) map[string]string {
	r.Helper()
	r.is(status)
	require.Equal(r, "application/problem+json", r.Header.Get("Content-Type"))
	require.Equal(r, code, r.text("code"), "%s", r.raw)
	require.NotEmpty(r, r.text("hint"), "%s", r.raw)
	require.Equal(r, r.Header.Get("X-Request-Id"), r.text("request_id"))
	fields := map[string]string{}
	list, _ := r.object()["errors"].([]any)
	for _, e := range list {
		one := e.(map[string]any)
		fields[one["field"].(string)] = one["message"].(string)
	}
	return fields
}

func (r *reply) object() map[string]any {
	r.Helper()
	var o map[string]any
	require.NoError(r, json.Unmarshal(r.raw, &o), "%s", r.raw)
	return o
}

func (r *reply) text(name string) string {
	r.Helper()
	text, _ := r.object()[name].(string)
	return text
}

func (r *reply) id() string { r.Helper(); return r.text("id") }

// column returns one field of every item of a list.
func (r *reply) column(name string) []string {
	r.Helper()
	var values []string
	items, isList := r.object()["items"].([]any)
	require.True(r, isList, "%s", r.raw)
	for _, item := range items {
		values = append(values, fmt.Sprint(item.(map[string]any)[name]))
	}
	return values
}

// pages reads a list to its end, and returns one field of every item.
func (f *fixture) pages(path, name string) []string {
	f.Helper()
	var all []string
	for cursor := ""; ; {
		res := f.get(path + cursor).is(200)
		all = append(all, res.column(name)...)
		next := res.text("next_cursor")
		if next == "" {
			return all
		}
		cursor = "&cursor=" + next
	}
}

// object is a JSON object to be sent.
type object map[string]any

// with returns a copy with other fields.
func (o object) with(fields object) object {
	merged := object{}
	for k, v := range o {
		merged[k] = v
	}
	for k, v := range fields {
		merged[k] = v
	}
	return merged
}

// eventually waits for a condition.
func (f *fixture) eventually(condition func() bool, what string) {
	f.Helper()
	require.Eventually(f, condition, patience, 10*time.Millisecond, what)
}
