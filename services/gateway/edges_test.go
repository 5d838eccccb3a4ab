package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// replace puts a file in the place of another, as who renews certificates does.
func replace(t testing.TB, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// handshake connects anew and returns what the gateway shows, once it has answered.
func (f *fixture) handshake(cfg *tls.Config) (*x509.Certificate, error) {
	f.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}, Timeout: patience}
	req, err := http.NewRequestWithContext(f.Context(), http.MethodGet, strings.Replace(f.url, "http:", "https:", 1)+"/healthz", nil)
	require.NoError(f, err)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	require.Equal(f, 200, res.StatusCode)
	require.Equal(f, "max-age=31536000", res.Header.Get("Strict-Transport-Security"))
	return res.TLS.PeerCertificates[0], nil
}

func TestACertificateThatWasReplacedIsShownWithoutARestart(t *testing.T) {
	cert, pool := certificate(t)
	f := start(t, func(c *gateway.Config) { c.TLS.Cert, c.TLS.Key = cert.Cert, cert.Key })
	first, err := f.handshake(&tls.Config{RootCAs: pool})
	require.NoError(t, err)

	next, nextPool := certificate(t)
	replace(t, cert.Cert, read(t, next.Cert))
	still, err := f.handshake(&tls.Config{RootCAs: pool})
	require.NoError(t, err, "a certificate without its key is not shown")
	require.Equal(t, first.Raw, still.Raw)
	replace(t, cert.Key, read(t, next.Key))
	shown, err := f.handshake(&tls.Config{RootCAs: nextPool})
	require.NoError(t, err)
	require.NotEqual(t, first.Raw, shown.Raw)
	require.NoError(t, os.Remove(cert.Key))
	_, err = f.handshake(&tls.Config{RootCAs: nextPool})
	require.NoError(t, err)
	_, err = f.handshake(&tls.Config{RootCAs: nextPool, MaxVersion: tls.VersionTLS11})
	require.Error(t, err)
}

func TestClientsMayHaveToShowACertificate(t *testing.T) {
	cert, pool := certificate(t)
	ann, _ := certificate(t)
	bob, _ := certificate(t)
	authorities := filepath.Join(t.TempDir(), "clients.pem")
	replace(t, authorities, read(t, ann.Cert))
	f := start(t, func(c *gateway.Config) { c.TLS.Cert, c.TLS.Key, c.TLS.ClientCA = cert.Cert, cert.Key, authorities })
	as := func(who gateway.TLSConfig) error {
		pair, err := tls.LoadX509KeyPair(who.Cert, who.Key)
		require.NoError(t, err)
		_, err = f.handshake(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}})
		return err
	}
	require.NoError(t, as(ann))
	require.Error(t, as(bob))
	_, err := f.handshake(&tls.Config{RootCAs: pool})
	require.Error(t, err)
	replace(t, authorities, read(t, bob.Cert))
	require.NoError(t, as(bob))
	require.Error(t, as(ann))
}

func TestEveryAnswerIsStrict(t *testing.T) {
	f := start(t, withOrigin)
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 503, "/v1/whoami": 200, "/v1/servers/none": 404, "/nothing": 404} {
		res := f.exchange("GET", path, map[string]string{"Authorization": "Bearer " + f.token}) //nolint:bodyclose // it is read
		require.Equal(t, status, res.StatusCode, path)
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "",
			"Access-Control-Allow-Origin": "", "Vary": "Origin",
		} {
			require.Equal(t, value, res.Header.Get(name), "%s of %s", name, path)
		}
	}
}

const console = "https://console.example.com"

func withOrigin(c *gateway.Config) { c.CORS.Origins = []string{console, "http://localhost:3000"} }

// exchange is send for what openapi.yaml does not speak of.
func (f *fixture) exchange(method, path string, header map[string]string) *http.Response {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.url+path, nil)
	require.NoError(f, err)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(f, err)
	require.NoError(f, res.Body.Close())
	return res
}

func TestPagesOfConfiguredOriginsAloneMayUseTheAPI(t *testing.T) {
	f := start(t, withOrigin)
	for origin, allowed := range map[string]bool{
		console: true, "http://localhost:3000": true, "http://localhost": false, "https://console.example.com.evil.net": false,
		"http://console.example.com": false, "null": false, "https://example.com": false, "*": false,
	} {
		want := ""
		if allowed {
			want = origin
		}
		res := f.exchange("GET", "/v1/whoami", map[string]string{"Origin": origin}) //nolint:bodyclose // it is read
		require.Equal(t, 401, res.StatusCode)
		require.Equal(t, want, res.Header.Get("Access-Control-Allow-Origin"), origin)
		require.Equal(t, allowed, strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), "Retry-After"), origin)
		require.Empty(t, res.Header.Get("Access-Control-Allow-Credentials"))

		res = f.exchange("OPTIONS", "/v1/deployments", map[string]string{ //nolint:bodyclose // it is read
			"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key",
		})
		require.Equal(t, want, res.Header.Get("Access-Control-Allow-Origin"), origin)
		require.Equal(t, allowed, strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Idempotency-Key"))
		require.Equal(t, allowed, res.Header.Get("Access-Control-Max-Age") == "600")
	}
	for origin, allowed := range map[string]bool{console: true, "https://evil.example.com": false, "": true, f.url: true} {
		conn, _, err := websocket.Dial(t.Context(), f.url+"/v1/events", &websocket.DialOptions{ //nolint:bodyclose // of a handshake, there is none
			HTTPHeader: http.Header{"Authorization": {"Bearer " + f.token}, "Origin": {origin}},
		})
		require.Equal(t, allowed, err == nil, "%s: %v", origin, err)
		if err == nil {
			require.NoError(t, conn.CloseNow())
		}
	}
}

func TestATrustedProxySaysWhichNameAClientUsed(t *testing.T) {
	dial := func(f *fixture) error {
		conn, _, err := websocket.Dial(t.Context(), f.url+"/v1/events", &websocket.DialOptions{HTTPHeader: http.Header{ //nolint:bodyclose // of a handshake, there is none
			"Authorization": {"Bearer " + f.token}, "Origin": {"https://slipway.example.com"}, "X-Forwarded-Host": {"slipway.example.com"},
		}})
		if err == nil {
			require.NoError(t, conn.CloseNow())
		}
		return err
	}
	require.NoError(t, dial(start(t, func(c *gateway.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} })))
	require.Error(t, dial(start(t)))
}

func TestMistakesAboutTheEdgesAreFound(t *testing.T) {
	for _, origin := range []string{"*", "null", "https://a.example.com/", "https://*.example.com", "a.example.com", "ftp://a.example.com", "https://A.example.com", "https://u@a.example.com", "https://a.example.com:"} {
		require.NotEmpty(t, gateway.CORSConfig{Origins: []string{origin}}.Validate(), origin)
	}
	for origin, meant := range map[string]string{
		"https://a.example.com:443": "https://a.example.com", "http://localhost:80": "http://localhost", "https://[::1]:443": "https://[::1]",
	} {
		require.ErrorContains(t, errors.Join(gateway.CORSConfig{Origins: []string{origin}}.Validate()...), "write "+meant, "a browser sends no such port")
	}
	require.Empty(t, gateway.CORSConfig{Origins: []string{"https://a.example.com", "https://a.example.com:80", "http://a.example.com:443", "https://[::1]", "http://localhost:3000"}}.Validate())
	require.Len(t, gateway.TLSConfig{ClientCA: "x", HSTS: -1}.Validate(), 2)
	var cfg gateway.Config
	require.ErrorContains(t, config.Load(&cfg, "test", []string{"--timeouts-leave=-1s", "--tls-cert=x"}, nil), "timeouts-leave")
}

// begun sends the head of a POST and how its body begins, and then nothing. length is what goes before the blank line.
func (f *fixture) begun(path, media, length, body string) (net.Conn, *bufio.Reader) {
	f.Helper()
	conn, err := (&net.Dialer{}).DialContext(f.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(f, err)
	f.Cleanup(func() { conn.Close() })
	require.NoError(f, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n%s\r\n\r\n%s", path, f.token, media, length, body)
	require.NoError(f, err)
	return conn, bufio.NewReader(conn)
}

// answered reads an answer.
func (f *fixture) answered(r *bufio.Reader) *http.Response {
	f.Helper()
	res, err := http.ReadResponse(r, nil)
	require.NoError(f, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(f, err)
	require.NoError(f, res.Body.Close())
	return res
}

// unread are requests that are refused before all of their bodies have come.
var unread = map[string]struct {
	path, media, length, body string
	status                    int
}{
	"to nothing":               {"/nothing", "application/json", "Content-Length: 1000", "{", 404},
	"with a bad type":          {"/v1/deployments", "text/plain", "Content-Length: 1000", "{", 415},
	"JSON that is too large":   {"/v1/deployments", "application/json", "Content-Length: 9000000", "{", 413},
	"in chunks":                {"/v1/deployments", "text/plain", "Transfer-Encoding: chunked", "1\r\n{\r\n", 415},
	"that asks to go on":       {"/v1/deployments", "text/plain", "Expect: 100-continue\r\nContent-Length: 1000", "", 415},
	"a query that is wrong":    {"/v1/packages", "application/octet-stream", "Content-Length: 1000", "x", 422},
	"an upload that is no zip": {"/v1/packages?application=app&version=1&filename=a.zip", "application/octet-stream", "Content-Length: 100000", strings.Repeat("x", 600), 422},
}

func TestARefusalDoesNotWaitForTheRestOfTheBody(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Body, c.Timeouts.Upload = time.Hour, time.Hour })
	for name, c := range unread {
		_, r := f.begun(c.path, c.media, c.length, c.body)
		res := f.answered(r) //nolint:bodyclose // it is read
		require.Equal(t, c.status, res.StatusCode, name)
		require.True(t, res.Close, name)
	}
	conn, r := f.begun("/v1/deployments", "text/plain", "Content-Length: 4", "text")
	require.False(t, f.answered(r).Close, "all has come: the connection is as good as before") //nolint:bodyclose // it is read
	_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	require.Equal(t, 200, f.answered(r).StatusCode) //nolint:bodyclose // it is read
}

// A request that is refused for its head has a body that need not come.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Body = 200 * time.Millisecond })
	for name, c := range unread {
		_, r := f.begun(c.path, c.media, c.length, c.body)
		require.Equal(t, c.status, f.answered(r).StatusCode, name) //nolint:bodyclose // it is read
		_, err := r.ReadByte()
		require.ErrorIs(t, err, io.EOF, "the gateway waits for what does not come: %s", name)
	}
}

// Whoever sends request after request and reads no answer is let go.
func TestAnAnswerThatNobodyTakesHoldsNoConnection(t *testing.T) {
	f := start(t, withOrigin, func(c *gateway.Config) { c.Timeouts.Answer = 200 * time.Millisecond })
	for name, request := range map[string]string{
		"nothing":   "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
		"refused":   "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n",
		"preflight": "OPTIONS /v1/events HTTP/1.1\r\nHost: x\r\nOrigin: " + console + "\r\nAccess-Control-Request-Method: GET\r\n\r\n",
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		for err == nil {
			_, err = io.WriteString(conn, request)
		}
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s: the gateway waits for a client that does not read", name)
	}
}

// Over HTTP/2 a deadline of writing ends a stream that has nothing to write, too.
func TestOverHTTP2WhatTakesLongIsNotCutOff(t *testing.T) {
	cert, pool := certificate(t)
	f := start(t, func(c *gateway.Config) {
		c.TLS.Cert, c.TLS.Key = cert.Cert, cert.Key
		c.Timeouts.Answer, c.Timeouts.Beat = 3*time.Second, 7*time.Second
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	send := func(method, path string, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(f.url, "http:", "https:", 1)+path, body)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+f.token)
		req.Header.Set("Content-Type", "application/octet-stream")
		res, err := client.Do(req)
		require.NoError(t, err)
		require.Equal(t, 2, res.ProtoMajor)
		return res
	}
	upload := send("POST", "/v1/packages?application=app&version=1&filename=app", &late{5 * time.Second, strings.NewReader("content")})
	require.NoError(t, upload.Body.Close())
	require.Equal(t, 201, upload.StatusCode)
	watch := send("GET", "/v1/events", nil)
	defer watch.Body.Close()
	lines := bufio.NewScanner(watch.Body)
	for lines.Scan() && lines.Text() != ":" {
	}
	require.NoError(t, lines.Err())
	require.Equal(t, ":", lines.Text())
}

// late gives its text once so much time has passed: that time is what the test is about.
type late struct {
	after time.Duration
	text  io.Reader
}

func (l *late) Read(p []byte) (int, error) {
	if l.after > 0 {
		<-time.After(l.after)
		l.after = 0
	}
	return l.text.Read(p)
}

func TestASlowBodyDoesNotUseUpTheTimeOfWhatFollows(t *testing.T) {
	f := start(t)
	f.shop("1")
	text := fmt.Sprintf(`{"application": "shop", "version": "1", "servers": [%q]}`, f.fleet("a")[0])
	f.cfg.Timeouts.Broker, f.cfg.Timeouts.Query, f.cfg.Timeouts.Answer = time.Second, time.Millisecond, time.Millisecond
	f.url = f.run()
	f.eventually(func() bool { // a machine that stalls may use it up, and not each time
		body := &late{2100 * time.Millisecond, strings.NewReader(text)} // twice the broker's time, and that for history
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/v1/deployments", body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+f.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil { // the time for the answer was up
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == 202
	}, "nothing is left of it")
}

func TestAGatewayThatStopsSaysSoBeforeItRefuses(t *testing.T) {
	f := prepare(t, func(c *gateway.Config) { c.Timeouts.Leave = 8 * time.Second })
	f.openBus()
	f.token, _, _ = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	service, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- service.Run(ctx, func() { close(ready) }) }()
	<-ready
	f.url = "http://" + service.Addr()
	f.complete()
	watch, _, err := websocket.Dial(t.Context(), f.url+"/v1/events", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + f.token}}}) //nolint:bodyclose // of a handshake, there is none
	require.NoError(t, err)
	cancel()
	f.eventually(func() bool { return len(f.get("/readyz").parts()) == 1 }, "it does not say that it stops")
	require.Equal(t, []string{"gateway"}, f.get("/readyz").parts())
	res := f.get("/v1/whoami").is(200)
	require.True(t, res.Close, "the client is to connect to another one")
	_, _, err = watch.Read(t.Context())
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	require.NoError(t, <-ended)
}
