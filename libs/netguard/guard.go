package netguard

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// closed is every range that does not lead to a public host, beyond what
// netip.Addr has words for: addresses that mean others (6to4, NAT64, Teredo), and
// those set apart for special use.
var closed = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		all[i] = netip.MustParsePrefix(t)
	}
	return all
}

// Guard decides to which addresses a service may connect because a client says
// so: public ones, and those that the configuration allows. The zero Guard
// permits public ones alone.
type Guard struct{ allowed []netip.Prefix }

// New returns a guard that also permits what is not public in these ranges.
func New(allowed []netip.Prefix) Guard { return Guard{allowed} }

// ParseRanges reads ranges as a setting states them, such as 10.0.0.0/8.
func ParseRanges(texts []string) ([]netip.Prefix, error) {
	var ranges []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a range as 10.0.0.0/8", text)
		}
		ranges = append(ranges, prefix.Masked())
	}
	return ranges, nil
}

// Control is for the field of that name of a net.Dialer, which calls it with the
// address that it is about to connect to: after DNS, for every address tried and
// every redirect followed, so that no name can lead elsewhere than what was
// checked. It fails with ErrClosed.
func (g Guard) Control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.permits(to.Addr()) {
		return fmt.Errorf("%s is %w", address, ErrClosed)
	}
	return nil
}

// Lookup returns the addresses of a host name that may be connected to, for
// programs that connect by themselves: given these addresses in place of the
// name, they reach nothing else. It fails with ErrClosed where there is none.
func (g Guard) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var permitted []netip.Addr
	for _, addr := range found {
		if g.permits(addr) {
			permitted = append(permitted, addr.Unmap())
		}
	}
	if len(permitted) == 0 {
		return nil, fmt.Errorf("%s is %w", found[0].Unmap(), ErrClosed)
	}
	return permitted, nil
}

func (g Guard) permits(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, p := range g.allowed {
		if p.Contains(addr) {
			return true
		}
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, p := range closed {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
