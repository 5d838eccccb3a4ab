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

// crowds is how many clients ask at once, one after another on a connection of their own.
var crowds = []int{1, 16, 256}

// requestsOf is how many requests a round of so many clients has: enough for the slowest in 100.
func requestsOf(clients int) int { return min(1024, 256*clients) }

// TestAccept posts deployments of one host beside a bare Echo handler that
// publishes the same body to JetStream: the limit of this design. Both sync
// every message to disk. Slipway works on what it accepts meanwhile: the host
// has no port to connect to, so that it is the deployments that cost, not the
// SSH.
func TestAccept(t *testing.T) {
	wanted(t, "accept")
	s := startSlipway(t)
	s.addNowhere()
	s.upload("accept", "1", "accept.bin", []byte("a package of one file"))
	body := map[string]any{"application": "accept", "version": "1", "servers": []string{"nowhere"}}
	bare := startBareEcho(t)
	for _, clients := range crowds {
		name := fmt.Sprintf("accept.%d", clients)
		compare(t, unitsOf(name),
			func(int) measurement {
				return load(t, name, clients, s.expecting(http.StatusAccepted, "POST", "/v1/deployments", body))
			},
			func(int) measurement {
				return load(t, name, clients, s.bare(http.MethodPost, bare, `{"application":"accept","version":"1","servers":["nowhere"]}`))
			})
	}
}

// addNowhere adds a server that cannot be connected to.
func (s *slipway) addNowhere() (id string) {
	s.t.Helper()
	var added struct{ ID string }
	s.call("POST", "/v1/servers", map[string]any{
		"name": "nowhere", "address": "127.0.0.1", "port": 1, "user": "nobody",
		"host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDI4SKl3opHp7nZ4fmWX1VZ4xxTTYY6N9qpDxQqtuVCa",
	}, &added)
	return added.ID
}

func unitsOf(name string) map[string]string {
	return map[string]string{name + ".rate": "requests/s", name + ".p50": "ms", name + ".p99": "ms"}
}

// expecting returns a request to Slipway that must be answered with this status.
func (s *slipway) expecting(status int, method, path string, body any) func() error {
	return func() error {
		if got, answer := s.send(method, path, body); got != status {
			return fmt.Errorf("%d %s", got, answer)
		}
		return nil
	}
}

// bare returns a request to a baseline.
func (s *slipway) bare(method, url, body string) func() error {
	return func() error {
		req, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			return err
		}
		res, err := s.http.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err = io.Copy(io.Discard, res.Body); err == nil && res.StatusCode >= 300 {
			err = fmt.Errorf("%s", res.Status)
		}
		return err
	}
}

// load has so many clients send requests, each the next once it has an answer.
func load(t *testing.T, name string, clients int, request func() error) measurement {
	t.Helper()
	var (
		mu        sync.Mutex
		latencies []float64
		working   sync.WaitGroup
	)
	began := time.Now()
	for range clients {
		working.Go(func() {
			for range requestsOf(clients) / clients {
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
	return measurement{
		name + ".rate": float64(len(latencies)) / wall.Seconds(),
		name + ".p50":  percentile(latencies, 0.5), name + ".p99": percentile(latencies, 0.99),
	}
}

// startBareEcho is the baseline: it stores the body of each request in a stream
// and answers 202; asked with GET, it answers with what it stored last. It returns
// its URL.
func startBareEcho(t *testing.T) string {
	t.Helper()
	js := startBareNATS(t)
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"}, AllowDirect: true})
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
	e.GET("/", func(c echo.Context) error {
		m, err := stream.GetLastMsgForSubject(c.Request().Context(), "bare.last")
		if err != nil {
			return err
		}
		return c.JSONBlob(http.StatusOK, m.Data)
	})
	_, err = js.Publish(t.Context(), "bare.last", []byte(`{"id":"x"}`))
	require.NoError(t, err)
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
