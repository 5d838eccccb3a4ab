package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/openapitest"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/gateway/internal/malformed"
)

var (
	malformedRequests = flag.Int("malformed.requests", 4000, "how many malformed requests are sent")
	malformedSeed     = flag.Uint64("malformed.seed", 1, "what they follow from")
)

const (
	malformedClients = 25
	malformedBatch   = 1000   // requests after which what they removed is made anew
	malformedWorld   = 20_000 // requests after which everything is
	canary           = "canary-7f3b1c"
)

// Whatever is sent, the gateway answers as openapi.yaml says, with nothing that is a
// mistake of its own; it takes nothing that the document does not allow, repeats no
// secret, and keeps nothing.
func TestMalformedRequestsAreRefusedAndDoNoHarm(t *testing.T) {
	tally := &tally{answers: map[string]int{}}
	var heap uint64
	for sent := 0; sent < *malformedRequests && !t.Failed(); sent += malformedWorld {
		t.Run(fmt.Sprintf("from %d on", sent), func(t *testing.T) {
			throwAt(t, tally, sent, min(sent+malformedWorld, *malformedRequests))
		})
		now := heapAfterCollection()
		if heap == 0 {
			heap = now
		}
		require.Less(t, now, heap*3/2+(64<<20), "bytes are kept of what is over")
	}
	for _, answer := range slices.Sorted(maps.Keys(tally.answers)) {
		t.Logf("%s: %d", answer, tally.answers[answer])
	}
}

func heapAfterCollection() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// throwAt sends requests to a gateway of their own.
func throwAt(t *testing.T, tally *tally, from, to int) {
	w := newWholeWorld(t, func(c *gateway.Config) { c.Limits.Guesses = 0 })
	tokens := []string{w.tokenFor(grant("viewer", "shop")), w.tokenFor(grant("deployer", "shop")), canary} // mostly it is the administrator's
	tokens = append(tokens, slices.Repeat([]string{w.fixture.token}, 10)...)
	first := 0 // goroutines after the first batch, which begins what many requests share
	for at := from; at < to && !t.Failed(); at += malformedBatch {
		known := w.known()
		var thrown sync.WaitGroup
		for client := range malformedClients {
			thrown.Go(func() {
				maker := malformed.New(openapi(), *malformedSeed<<32+uint64(at+client))
				maker.Known, maker.Secret = known, canary
				throw(t, tally, w.url, maker, tokens, min(malformedBatch, to-at)/malformedClients)
			})
		}
		thrown.Wait()
		left := w.goroutinesAtRest()
		if first == 0 {
			first = left
		}
		require.LessOrEqual(t, left, first+malformedClients, "goroutines outlive their requests")
	}
	require.NotContains(t, w.log.String(), canary, "a secret is in the log")
	require.NotContains(t, w.log.String(), "panicked")
}

// goroutinesAtRest returns how many there are once no connection is served.
func (w *world) goroutinesAtRest() int {
	w.Helper()
	http.DefaultClient.CloseIdleConnections()
	w.eventually(func() bool {
		var all bytes.Buffer
		require.NoError(w, pprof.Lookup("goroutine").WriteTo(&all, 1))
		return !strings.Contains(all.String(), "net/http.(*conn).serve")
	}, "every connection ends")
	return runtime.NumGoroutine()
}

// known makes anew what requests removed, and returns what there is.
func (w *world) known() map[string][]string {
	w.Helper()
	w.renew()
	w.post("/v1/servers", web("web-1").with(object{"credential": object{"password": canary}}))
	w.upload("shop", "1", "shop.bin", []byte("a package"))
	server := w.get("/v1/servers?name=web-1").is(200).column("id")
	packages := w.get("/v1/packages?application=shop").is(200).column("id")
	return map[string][]string{
		"/v1/servers id": server, "/v1/packages id": packages, "/v1/deployments id": {w.deployment}, "/v1/webhooks id": {w.hook},
		"/v1/webhooks delivery": {w.delivery}, "/v1/tokens id": {w.token}, "/v1/locks server": server, "/v1/applications application": {"shop"},
		"servers": {"web-1", server[0]}, "application": {"shop"}, "version": {"1"}, "package": packages, "url": {"http://127.0.0.1:1/hook"},
	}
}

// throw sends requests over one connection after another.
func throw(t *testing.T, tally *tally, url string, maker *malformed.Maker, tokens []string, count int) {
	c := &wire{address: strings.TrimPrefix(url, "http://"), judge: judge}
	defer c.close()
	for n := range count {
		r := maker.Next(openapi().Operations())
		text := c.write(r, tokens[n%len(tokens)])
		err := c.exchange(r, text, tally)
		if err != nil {
			file, _ := os.CreateTemp("", "malformed-*.http") //nolint:usetesting // it is for who looks at the failure
			if file != nil {
				_, _ = file.WriteString(text)
				_ = file.Close()
				err = fmt.Errorf("%w\nthe request is in %s", err, file.Name())
			}
			t.Errorf("%s %.200q: %v", r.Operation.Name(), r.Target, err)
			c.close()
		}
	}
}

// tally counts answers.
type tally struct {
	mu      sync.Mutex
	answers map[string]int
}

func (t *tally) count(answer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[answer]++
}

// wire is a connection on which anything can be written.
type wire struct {
	address string
	judge   func(malformed.Request, *http.Response, []byte) error // what is wrong with an answer
	conn    net.Conn
	reader  *bufio.Reader
}

func (c *wire) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// write returns the text of a request.
func (c *wire) write(r malformed.Request, token string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n", r.Method, r.Target, token)
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	switch {
	case r.Body == "":
		b.WriteString("\r\n")
	case len(r.Body)%3 == 0:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(r.Body), r.Body)
	default:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(r.Body), r.Body)
	}
	return b.String()
}

// exchange sends a request and says what is wrong with the answer.
func (c *wire) exchange(r malformed.Request, text string, tally *tally) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address) //nolint:noctx // to this process
		if err != nil {
			return err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(4 * patience)) // the gateway has patience with several in turn
	_, wrote := io.WriteString(c.conn, text)             // who refuses a body may hang up on the rest of it
	res, err := http.ReadResponse(c.reader, &http.Request{Method: r.Method})
	if err != nil {
		c.close()
		if wrote != nil {
			tally.count("hung up")
			return nil
		}
		return fmt.Errorf("there is no answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		tally.count("watched")
		c.close()
		return nil
	}
	got, err := io.ReadAll(res.Body)
	if err != nil && !res.Close {
		return fmt.Errorf("the answer breaks off: %w", err)
	}
	if res.Close || wrote != nil {
		c.close()
	}
	if err != nil { // who does not wait for the rest of a body may take the end of the answer along
		tally.count("hung up")
		return nil
	}
	tally.count(fmt.Sprint(res.StatusCode))
	return c.judge(r, res, got)
}

func judge(r malformed.Request, res *http.Response, got []byte) error {
	var head bytes.Buffer
	_ = res.Header.Write(&head)
	if strings.Contains(head.String()+string(got), canary) {
		return errors.New("the answer repeats a secret")
	}
	if res.StatusCode >= 500 {
		return fmt.Errorf("%d %s", res.StatusCode, got)
	}
	target, err := url.ParseRequestURI(r.Target)
	if res.Header.Get("X-Request-Id") == "" { // net/http did not take it for a request
		if err == nil && res.StatusCode != 400 && res.StatusCode != 431 {
			return fmt.Errorf("%d without a request id: %s", res.StatusCode, got)
		}
		return nil
	}
	if err != nil {
		return err
	}
	req := &http.Request{Method: r.Method, URL: target, Header: http.Header{}}
	for _, h := range r.Header {
		req.Header.Add(h[0], strings.TrimSpace(h[1]))
	}
	return openapi().Check(openapitest.Exchange{Request: req, Sent: []byte(r.Body), Response: res, Got: got, Whole: true})
}
