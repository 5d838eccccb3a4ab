package hosts

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Bounds of a network, in bits: that of an office or a rack, as a firewall that
// counts new connections may see it.
const (
	networkV4 = 24
	networkV6 = 64
)

// lookupWait bounds the look for the address of a name. It takes nothing from the
// time that connecting has, where the name is looked up again.
const lookupWait = 5 * time.Second

// starts bounds how many connections are being opened at once: with one host,
// into one network, and over all. Who opens one takes a place of each, in this
// order and always one of each kind, so nobody waits in a circle.
type starts struct {
	host, network gates
	all           chan struct{}
}

func newStarts(set Settings) *starts {
	return &starts{
		host: gates{size: set.StartsPerHost}, network: gates{size: set.StartsPerNetwork}, all: make(chan struct{}, set.Starts),
	}
}

// begin waits for a place with the last host of the way and in its network, which
// is to be taken before the host hears of the connection: sshd counts it from
// then on. It fails with ctx's cause.
func (s *starts) begin(ctx context.Context, way []contract.Hop) (done func(), err error) {
	leaveHost, err := s.host.enter(ctx, hostOf(way))
	if err != nil {
		return nil, err
	}
	leaveNetwork, err := s.network.enter(ctx, networkOf(ctx, way))
	if err != nil {
		leaveHost()
		return nil, err
	}
	return func() {
		leaveNetwork()
		leaveHost()
	}, nil
}

// admit waits for a turn to shake hands. A host that does not even answer the
// connect holds none.
func (s *starts) admit(ctx context.Context) (done func(), err error) {
	select {
	case s.all <- struct{}{}:
		return func() { <-s.all }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// hostOf names the machine that the last host of the way is, whoever logs in there:
// an address means something from where it is connected to.
func hostOf(way []contract.Hop) string {
	last := len(way) - 1
	return keyOf(way[:last]) + " " + endpoint(way[last])
}

// networkOf names the network of the last host of the way: what lies behind a
// jump host is one. The address of a name is looked up for this alone; one without
// an address is a network of its own.
func networkOf(ctx context.Context, way []contract.Hop) string {
	last := len(way) - 1
	if last > 0 {
		return "behind " + keyOf(way[:last])
	}
	address, err := netip.ParseAddr(way[last].Address)
	if err != nil {
		ctx, cancel := context.WithTimeout(ctx, lookupWait)
		defer cancel()
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", way[last].Address)
		if err != nil || len(found) == 0 {
			return way[last].Address
		}
		address = found[0]
	}
	address = address.Unmap()
	bits := networkV6
	if address.Is4() {
		bits = networkV4
	}
	prefix, err := address.WithZone("").Prefix(bits)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}

// gates is a gate for each name, which lets so many pass at once. A gate exists
// while somebody is in it or before it.
type gates struct {
	size int

	mu     sync.Mutex
	byName map[string]*gate
}

type gate struct {
	places chan struct{}
	users  int // in it and before it
}

// enter waits for a place. It fails with ctx's cause.
func (g *gates) enter(ctx context.Context, name string) (leave func(), err error) {
	g.mu.Lock()
	if g.byName == nil {
		g.byName = map[string]*gate{}
	}
	at := g.byName[name]
	if at == nil {
		at = &gate{places: make(chan struct{}, g.size)}
		g.byName[name] = at
	}
	at.users++
	g.mu.Unlock()
	gone := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if at.users--; at.users == 0 {
			delete(g.byName, name)
		}
	}
	select {
	case at.places <- struct{}{}:
		return func() {
			<-at.places
			gone()
		}, nil
	case <-ctx.Done():
		gone()
		return nil, context.Cause(ctx)
	}
}
