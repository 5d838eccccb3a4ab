package throttle

import "net/netip"

// Network returns what one caller may have many addresses of: of IPv6, the /64. The zero
// address is of the network "".
func Network(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
