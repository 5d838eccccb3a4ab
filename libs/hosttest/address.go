package hosttest

import (
	"fmt"
	"net/netip"
	"syscall"
)

// loopbackAddress returns an address of 127.0.10.1 and above, another one for each of 50,000 hosts.
func loopbackAddress(number int64) string {
	number--
	return fmt.Sprintf("127.0.%d.%d", 10+number/250%200, 1+number%250)
}

// reservation keeps a port for a host, while it runs and while it is stopped. It is a socket that is bound and does
// not listen: the kernel then gives the port to nobody who asks for a free one, yet sshd, which asks for this very one
// with SO_REUSEADDR, gets it. So there is no moment in which another process could take it.
type reservation struct {
	addr string
	port int
	fd   int
}

// reserve takes a free port of addr, or of 127.0.0.1 where the system has no more of loopback than that.
func reserve(addr string) (*reservation, error) {
	r, err := bind(addr)
	if err != nil {
		r, err = bind("127.0.0.1")
	}
	if err != nil {
		return nil, fmt.Errorf("no free port on loopback: %w", err)
	}
	return r, nil
}

func bind(addr string) (*reservation, error) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	r := &reservation{addr: addr, fd: fd}
	if err := r.bindTo(ip); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

func (r *reservation) bindTo(ip netip.Addr) error {
	if err := syscall.SetsockoptInt(r.fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err := syscall.Bind(r.fd, &syscall.SockaddrInet4{Addr: ip.As4()}); err != nil {
		return err
	}
	bound, err := syscall.Getsockname(r.fd)
	if err != nil {
		return err
	}
	r.port = bound.(*syscall.SockaddrInet4).Port
	return nil
}

// release gives the port back. A nil reservation has none.
func (r *reservation) release() {
	if r != nil {
		_ = syscall.Close(r.fd)
	}
}
