package netguard

import (
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyPublicAddressesArePermitted(t *testing.T) {
	g := Guard{}
	for _, public := range []string{"8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"} {
		require.True(t, g.permits(netip.MustParseAddr(public)), public)
		require.NoError(t, g.Control("tcp", netip.AddrPortFrom(netip.MustParseAddr(public), 443).String(), nil))
	}
	for _, closed := range []string{
		"127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.0.0.8",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "2002:7f00:1::",
		"64:ff9b::7f00:1", "2001::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b:1::1",
	} {
		require.False(t, g.permits(netip.MustParseAddr(closed)), closed)
	}
	require.ErrorIs(t, g.Control("tcp", "127.0.0.1:80", nil), ErrClosed)
	require.ErrorIs(t, g.Control("tcp", "nonsense", nil), ErrClosed)
}

func TestAllowedRangesArePermitted(t *testing.T) {
	g := New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/64")})
	for addr, permitted := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "fd00::7": true, "fd00::7%eth0": true, "fd00:1::1": false,
	} {
		require.Equal(t, permitted, g.permits(netip.MustParseAddr(addr)), addr)
	}
}

func TestOfANameOnlyPermittedAddressesAreGiven(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		_, err := Guard{}.Lookup(t.Context(), host)
		require.ErrorIs(t, err, ErrClosed, host)
	}
	addrs, err := New(prefixes("127.0.0.0/8", "::1/128")).Lookup(t.Context(), "localhost")
	require.NoError(t, err)
	require.Contains(t, addrs, netip.MustParseAddr("127.0.0.1"))
	_, err = Guard{}.Lookup(t.Context(), "no-such-host.invalid")
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrClosed)
}

func TestRangesAreReadAsTheyAreConfigured(t *testing.T) {
	ranges, err := ParseRanges([]string{"10.1.2.3/8", "fd00::/64"})
	require.NoError(t, err)
	require.Equal(t, prefixes("10.0.0.0/8", "fd00::/64"), ranges)
	for _, bad := range []string{"", "10.0.0.1", "10.0.0.0/33", "localhost"} {
		_, err := ParseRanges([]string{"10.0.0.0/8", bad})
		require.ErrorContains(t, err, strconv.Quote(bad))
	}
}
