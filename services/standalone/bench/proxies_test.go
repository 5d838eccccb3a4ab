//go:build bench

package bench

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// roundTrip is how far away the proxies have hosts be.
const roundTrip = 50 * time.Millisecond

// count puts a proxy before each host, which counts what goes through it.
func (f *fleet) count() {
	f.t.Helper()
	countToxic()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i, s := range f.sites {
		count := &tally{}
		f.tallies = append(f.tallies, count)
		tallies.Store(s.Name, count)
		proxy := toxiproxy.NewProxy(server, s.Name, "127.0.0.1:0", net.JoinHostPort(s.Addr, strconv.Itoa(s.Port)))
		require.NoError(f.t, proxy.Start())
		f.t.Cleanup(proxy.Stop)
		for _, toxic := range []string{ // in both directions, the tally is on the client's side of the delay
			fmt.Sprintf(`{"type": "tally", "stream": "upstream", "attributes": {"host": %q, "sent": true}}`, s.Name),
			`{"type": "latency", "name": "there", "stream": "upstream", "attributes": {"latency": 0}}`,
			`{"type": "latency", "name": "back", "stream": "downstream", "attributes": {"latency": 0}}`,
			fmt.Sprintf(`{"type": "tally", "stream": "downstream", "attributes": {"host": %q}}`, s.Name),
		} {
			_, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
			require.NoError(f.t, err)
		}
		f.proxies = append(f.proxies, proxy)
		host, port, err := net.SplitHostPort(proxy.Listen)
		require.NoError(f.t, err)
		f.sites[i].Addr = host
		f.sites[i].Port, err = strconv.Atoi(port)
		require.NoError(f.t, err)
	}
}

// moveAway has the hosts be far away. To connect to a proxy is not delayed: the round trip of
// TCP itself is missing.
func (f *fleet) moveAway() {
	f.t.Helper()
	f.away = true
	for _, proxy := range f.proxies {
		for _, way := range []string{"there", "back"} {
			_, err := proxy.Toxics.UpdateToxicJson(way, strings.NewReader(fmt.Sprintf(`{"attributes": {"latency": %d}}`, (roundTrip/2).Milliseconds())))
			require.NoError(f.t, err)
		}
	}
}

// counted returns what the proxies have counted of all hosts since it was called
// before.
func (f *fleet) counted() (bytes, trips int) {
	for _, c := range f.tallies {
		b, n := c.take()
		bytes, trips = bytes+b, trips+n
	}
	return bytes, trips
}

// tally is what went through the proxy of a host.
type tally struct {
	mu       sync.Mutex
	bytes    int // to the host
	trips    int // a client sent something, and then something that may well depend on what came back
	sentAt   time.Time
	awaiting bool
}

// sent notes bytes on their way to the host.
func (c *tally) sent(bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += bytes
	if !c.awaiting {
		c.awaiting, c.sentAt = true, time.Now()
	}
}

// received notes that something has come back. What comes too early was not
// caused by what was sent first.
func (c *tally) received() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.awaiting && time.Since(c.sentAt) >= roundTrip {
		c.awaiting = false
		c.trips++
	}
}

// take returns the counts, and begins anew.
func (c *tally) take() (bytes, trips int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bytes, trips = c.bytes, c.trips
	c.bytes, c.trips, c.awaiting = 0, 0, false
	return bytes, trips
}

// tallies are the tallies by the names of hosts, as toxics are made from JSON.
var tallies sync.Map

// countToxic lets Toxiproxy know of tallies.
var countToxic = sync.OnceFunc(func() { toxics.Register("tally", new(tallyToxic)) })

// tallyToxic counts what goes by, in one direction.
type tallyToxic struct {
	Host string `json:"host"`
	Sent bool   `json:"sent"` // to the host
}

// Pipe is what Toxiproxy calls for each connection.
func (c *tallyToxic) Pipe(stub *toxics.ToxicStub) {
	found, _ := tallies.Load(c.Host)
	count := found.(*tally)
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			switch {
			case chunk == nil:
				stub.Close()
				return
			case c.Sent:
				count.sent(len(chunk.Data))
			default:
				count.received()
			}
			stub.Output <- chunk
		}
	}
}
