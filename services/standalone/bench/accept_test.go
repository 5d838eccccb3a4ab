//go:build bench

package bench

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"github.com/stretchr/testify/require"
)

const (
	acceptClients  = 16
	acceptRequests = 1000
)

// TestAccept posts deployments of one host, 16 clients at once, beside a bare
// Echo handler that publishes the same body to JetStream: the limit of this
// design. Both sync every message to disk. Slipway works on what it accepts
// meanwhile: the host has no port to connect to, so that it is the deployments
// that cost, not the SSH.
func TestAccept(t *testing.T) {
	wanted(t, "accept")
	s := startSlipway(t)
	s.call("POST", "/v1/servers", map[string]any{
		"name": "nowhere", "address": "127.0.0.1", "port": 1, "user": "nobody",
		"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDI4SKl3opHp7nZ4fmWX1VZ4xxTTYY6N9qpDxQqtuVCa",
	}, nil)
	s.upload("accept", "1", "accept.bin", []byte("a package of one file"))
	body := map[string]any{"application": "accept", "version": "1", "servers": []string{"nowhere"}}
	bare := startBareEcho(t)

	compare(t, map[string]string{"accept.rate": "requests/s", "accept.p99": "ms"},
		func(int) measurement {
			return load(t, func() error {
				if status, answer := s.send("POST", "/v1/deployments", body); status != http.StatusAccepted {
					return fmt.Errorf("%d %s", status, answer)
				}
				return nil
			})
		},
		func(int) measurement {
			return load(t, func() error {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, bare,
					strings.NewReader(`{"application":"accept","version":"1","servers":["nowhere"]}`))
				if err != nil {
					return err
				}
				res, err := s.http.Do(req)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				_, err = io.Copy(io.Discard, res.Body)
				return err
			})
		})
}

func load(t *testing.T, request func() error) measurement {
	t.Helper()
	var (
		mu        sync.Mutex
		latencies []float64
		working   sync.WaitGroup
	)
	began := time.Now()
	for range acceptClients {
		working.Go(func() {
			for range acceptRequests / acceptClients {
				sent := time.Now()
				if err := request(); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				latencies = append(latencies, milliseconds(time.Since(sent)))
				mu.Unlock()
			}
		})
	}
	working.Wait()
	wall := time.Since(began)
	require.False(t, t.Failed())
	return measurement{"accept.rate": float64(len(latencies)) / wall.Seconds(), "accept.p99": percentile(latencies, 0.99)}
}

// startBareEcho is the baseline: it stores the body of each request in a stream
// and answers 202. It returns its URL.
func startBareEcho(t *testing.T) string {
	t.Helper()
	js := startBareNATS(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"}})
	require.NoError(t, err)
	e := echo.New()
	e.POST("/", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		if _, err := js.Publish(c.Request().Context(), "bare."+xid.New().String(), body); err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, map[string]string{"id": "x"})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(listener) }()
	t.Cleanup(func() { _ = srv.Close() })
	return "http://" + listener.Addr().String()
}

// startBareNATS is a broker with the durability that standalone has.
func startBareNATS(t *testing.T) jetstream.JetStream {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoLog: true, NoSigs: true,
	})
	require.NoError(t, err)
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	require.True(t, srv.ReadyForConnections(10*time.Second))
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}
