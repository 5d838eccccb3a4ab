package hosttest

import (
	"fmt"
	"net/netip"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// loopbackAddress returns an address of 127.0.10.1 and above, another one for each of 50,000 hosts.
func loopbackAddress(number int64) string {
	number--
	return fmt.Sprintf("127.0.%d.%d", 10+number/250%200, 1+number%250)
}

// reservation keeps a port for a host, while it runs and while it is stopped.
type reservation struct {
	addr string
	port int
	free func()
}

// reserve takes a free port of addr, or of 127.0.0.1 where the system has no more of loopback than that.
func reserve(addr string) (*reservation, error) {
	r, err := reserveOn(addr)
	if err != nil {
		r, err = reserveOn("127.0.0.1")
	}
	if err != nil {
		return nil, fmt.Errorf("no free port on loopback: %w", err)
	}
	return r, nil
}

func reserveOn(addr string) (*reservation, error) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	port, free, err := proctest.Reserve(ip)
	return &reservation{addr, port, free}, err
}

// release gives the port back. A nil reservation has none.
func (r *reservation) release() {
	if r != nil {
		r.free()
	}
}
