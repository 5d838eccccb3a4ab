package netguard

import "net/netip"

// IsLoopback says whether a host, as it stands in an address to listen on, is this
// machine's own: only programs on it reach what listens there.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
