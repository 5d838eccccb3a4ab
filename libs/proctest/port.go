package proctest

import (
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// ReservePort is Reserve on 127.0.0.1 until the test ends.
func ReservePort(t testing.TB) int {
	t.Helper()
	port, release, err := Reserve(netip.MustParseAddr("127.0.0.1"))
	require.NoError(t, err, "reserve a port")
	t.Cleanup(release)
	return port
}

// Reserve returns a free port of an IPv4 address that nobody else is given until it is
// released: neither who asks for any free port nor who connects to somewhere. A socket is
// bound to it that does not listen, which keeps them away, and not a server that asks for
// this very port with SO_REUSEADDR, as net.Listen, sshd and most others do. So a server may
// stop and start again, and there is no moment in which another process could take its port.
func Reserve(addr netip.Addr) (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	port, err = bind(fd, addr)
	if err != nil {
		_ = syscall.Close(fd)
		return 0, nil, err
	}
	return port, func() { _ = syscall.Close(fd) }, nil
}

func bind(fd int, addr netip.Addr) (port int, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: addr.As4()}); err != nil {
		return 0, err
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return bound.(*syscall.SockaddrInet4).Port, nil
}
