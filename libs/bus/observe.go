package bus

import (
	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/observe"
)

// Observe has a scope tell of the connection, without which its process is not ready.
func Observe(s *observe.Scope, nc *nats.Conn) {
	s.Read("nats_connected", "whether there is a connection to the message broker: 1 or 0", func() float64 {
		if nc.IsConnected() {
			return 1
		}
		return 0
	})
	s.Total("nats_reconnects_total", "times that the connection to the message broker was made anew",
		func() float64 { return float64(nc.Stats().Reconnects) })
	s.Needs("nats", func() error {
		if nc.IsConnected() {
			return nil
		}
		return errNotConnected
	})
}
