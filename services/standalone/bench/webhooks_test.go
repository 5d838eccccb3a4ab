//go:build bench

package bench

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

const (
	webhookCount  = 1000
	webhookEvents = 5 // told of in a round, of a deployment each
	webhookSender = 64
)

// TestWebhooks has a gateway tell 1,000 webhooks, each a host of its own on loopback, of events: from the first event in
// the stream to the last request at a receiver. The baseline is a plain Go client that signs and posts bodies of the same
// size to the same receivers, and stores nothing; for the memory, it is that of the gateway before it told anybody, and for
// what it holds while it tells nobody, that before it had webhooks.
func TestWebhooks(t *testing.T) {
	wanted(t, "webhooks")
	i, gateway := startGatewayAlone(t)
	rc := newCounter(t)
	profiles := gateway.says(`profiles: (\S+)`)
	heapBefore, before := heapOf(t, profiles), gateway.resident()
	for n := range webhookCount {
		i.call("POST", "/v1/webhooks", map[string]any{"url": rc.url(n), "events": []string{"deployment.accepted"}}, nil)
	}
	heap, idle := heapOf(t, profiles), gateway.resident()
	note(figure{Name: "webhooks.memory.idle", Unit: "MiB", Value: idle, Baseline: before, Samples: []float64{idle}})
	note(figure{Name: "webhooks.memory.idle.heap", Unit: "MiB", Value: heap / (1 << 20), Baseline: heapBefore / (1 << 20), Samples: []float64{heap / (1 << 20)}})
	var round atomic.Int64
	compare(t, map[string]string{"webhooks.rate": "deliveries/s", "webhooks.memory": "MiB"},
		func(int) measurement {
			gateway.forget()
			rc.expect(webhookCount * webhookEvents)
			began := time.Now()
			for n := range webhookEvents {
				i.accepted(t, fmt.Sprintf("d%d-%d", round.Add(1), n))
			}
			rc.await(t)
			return measurement{"webhooks.rate": webhookCount * webhookEvents / time.Since(began).Seconds(), "webhooks.memory": gateway.peak()}
		},
		func(int) measurement {
			rc.expect(webhookCount * webhookEvents)
			began := time.Now()
			postPlainly(t, rc)
			return measurement{"webhooks.rate": webhookCount * webhookEvents / time.Since(began).Seconds(), "webhooks.memory": idle}
		})
}

// startGatewayAlone starts a broker and a gateway that carries webhooks, also to loopback.
func startGatewayAlone(t *testing.T) (*installation, *process) {
	t.Helper()
	dir := t.TempDir()
	build(t, dir, map[string]string{"./cmd/slipway-gateway": "gateway", "github.com/nats-io/nats-server/v2": "standalone"})
	i := &installation{dir: dir, key: filepath.Join(dir, "webhooks.key")}
	i.startBroker(t)
	key, err := seal.LoadOrCreateKeyFile(i.key)
	require.NoError(t, err)
	gateway := i.service(t, "gateway", "slipway-gateway", append(slices.Clone(unlimited), "--listen", "127.0.0.1:0",
		"--seal-public-key", key.Public().String(), "--webhooks-private-key-file", i.key, "--webhooks-allow", "127.0.0.0/8")...)
	token := start(t, dir, "bootstrap", "slipway-gateway", "bootstrap", "--nats-url", i.broker, "--seal-public-key", key.Public().String()).says(`slw_\S+`)
	i.slipway = &slipway{
		t: t, url: "http://" + gateway.says(`"address":"([^"]+)"`), token: token,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	return i, gateway
}

// accepted publishes the first event of a deployment.
func (i *installation) accepted(t *testing.T, deployment string) {
	t.Helper()
	data, err := contract.Encode(contract.Envelope{Deployment: deployment, Project: "web"},
		contract.AcceptedEvent{Kind: "deploy", Application: "shop", Version: "1.4.2", Actor: "ci", Targets: 12, Waves: 3})
	require.NoError(t, err)
	_, err = i.js.Publish(t.Context(), contract.SystemEventSubject(deployment), data)
	require.NoError(t, err)
}

// counter is the receivers: one server on many addresses.
type counter struct {
	port string
	left atomic.Int64
	done chan struct{}
	body atomic.Pointer[[]byte] // one that was posted
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "0.0.0.0:0")
	require.NoError(t, err)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: c, ReadHeaderTimeout: patience}}
	server.Start()
	t.Cleanup(server.Close)
	_, c.port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return c
}

func (c *counter) url(n int) string {
	return "http://" + net.JoinHostPort(fmt.Sprintf("127.1.%d.%d", n/250, n%250+1), c.port) + "/in"
}

// expect counts down from n.
func (c *counter) expect(n int64) {
	c.done = make(chan struct{})
	c.left.Store(n)
}

// ServeHTTP implements http.Handler.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.body.Store(&body)
	w.WriteHeader(http.StatusNoContent)
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

func (c *counter) await(t *testing.T) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		require.FailNow(t, "gave up waiting", "%d deliveries have not come", c.left.Load())
	}
}

// postPlainly posts what was posted last as often as a round of Slipway does.
func postPlainly(t *testing.T, c *counter) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: webhookCount, MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	key, body := make([]byte, 32), *c.body.Load()
	todo := make(chan int)
	var all sync.WaitGroup
	for range webhookSender {
		all.Go(func() {
			for n := range todo {
				if err := postOne(t.Context(), client, c.url(n%webhookCount), strconv.Itoa(n), key, body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range webhookCount * webhookEvents {
		todo <- n
	}
	close(todo)
	all.Wait()
}

func postOne(ctx context.Context, client *http.Client, url, id string, key, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
