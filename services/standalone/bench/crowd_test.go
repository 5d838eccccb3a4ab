//go:build bench

package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowd is clients that are shown events over SSE, a connection each.
type crowd struct {
	clients []*http.Response
	seen    []atomic.Uint64 // by client, the last event
	round   atomic.Pointer[showing]
	reading sync.WaitGroup
}

// showing is when events reached clients.
type showing struct {
	after    uint64        // the sequence before the first event
	arrivals [][]time.Time // by event and client
	missing  []atomic.Int64
	complete []chan struct{} // by event, closed once each client has it
}

// join returns clients that the server has answered.
func join(t *testing.T, count int, url, token string) *crowd {
	t.Helper()
	c := &crowd{clients: make([]*http.Response, count), seen: make([]atomic.Uint64, count)}
	transport := &http.Transport{}
	t.Cleanup(c.leave)
	require.NoError(t, atOnce(count, func(n int) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := transport.RoundTrip(req) //nolint:bodyclose // leave does
		if err != nil {
			return err
		}
		c.clients[n] = res
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("client %d: %s", n, res.Status)
		}
		return nil
	}))
	for n, res := range c.clients {
		c.reading.Go(func() { c.read(n, bufio.NewReader(res.Body)) })
	}
	return c
}

// leave ends the connections.
func (c *crowd) leave() {
	for _, res := range c.clients {
		if res != nil {
			_ = res.Body.Close()
		}
	}
	c.reading.Wait()
}

// read takes events until the connection ends. An event has arrived with the empty line after it.
func (c *crowd) read(client int, lines *bufio.Reader) {
	var seq uint64
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			seq, _ = strconv.ParseUint(string(bytes.TrimSpace(id)), 10, 64)
		}
		if len(line) == 1 && seq > 0 {
			c.seen[client].Store(seq)
			if s := c.round.Load(); s != nil {
				s.arrived(client, seq)
			}
			seq = 0
		}
	}
}

func (s *showing) arrived(client int, seq uint64) {
	if seq <= s.after || seq > s.after+uint64(len(s.arrivals)) {
		return
	}
	n := seq - s.after - 1
	s.arrivals[n][client] = time.Now()
	if s.missing[n].Add(-1) == 0 {
		close(s.complete[n])
	}
}

// present is how many clients have been shown an event.
func (c *crowd) present() int {
	there := 0
	for n := range c.seen {
		if c.seen[n].Load() > 0 {
			there++
		}
	}
	return there
}

// expect begins to note when the events after this one arrive, so many of them.
func (c *crowd) expect(after uint64, events int) *showing {
	s := &showing{
		after: after, arrivals: make([][]time.Time, events), missing: make([]atomic.Int64, events), complete: make([]chan struct{}, events),
	}
	for n := range events {
		s.arrivals[n], s.complete[n] = make([]time.Time, len(c.clients)), make(chan struct{})
		s.missing[n].Store(int64(len(c.clients)))
	}
	c.round.Store(s)
	return s
}

// await returns once all clients have the event.
func (s *showing) await(t *testing.T, seq uint64) {
	t.Helper()
	n := seq - s.after - 1
	select {
	case <-s.complete[n]:
	case <-time.After(patience):
		require.FailNow(t, "gave up waiting", "%d clients have not got event %d", s.missing[n].Load(), seq)
	}
}
