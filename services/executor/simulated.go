//go:build bench

package executor

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/jobs"
	"github.com/slipway-deploy/slipway/services/executor/internal/simulated"
)

// NewSimulated returns an executor whose jobs meet simulated hosts: nothing is
// connected to, and each command takes so long. All else is as it ever is.
func NewSimulated(cfg Config, log zerolog.Logger, takes time.Duration) (*Service, error) {
	s, err := New(cfg, log)
	if err != nil {
		return nil, err
	}
	fleet := simulated.New(takes)
	s.dial = func(*nats.Conn, *hosts.Pool) jobs.Dial { return fleet.Dial }
	return s, nil
}
