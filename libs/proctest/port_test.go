package proctest_test

import (
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

func TestAReservedPortIsForWhoAsksForItAlone(t *testing.T) {
	port := proctest.ReservePort(t)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 2 { // a server starts, stops, and starts again
		l, err := net.Listen("tcp", address)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		for range 100 {
			other, release, err := proctest.Reserve(netip.MustParseAddr("127.0.0.1"))
			require.NoError(t, err)
			require.NotEqual(t, port, other)
			release()
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}).Dial("tcp", l.Addr().String())
	require.Error(t, err, "nobody connects from it either")
}
