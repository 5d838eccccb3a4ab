//go:build bench

package bench

import (
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"

	"github.com/stretchr/testify/require"
)

// shipper is Slipway as a contender. Its client's side is all of Slipway, which
// runs in this process, and what asks it for the deployment.
type shipper struct {
	*slipway
	fleet   *fleet
	base    string
	servers []string // all of the fleet
}

func (f *fleet) slipway(s *slipway) *shipper {
	return &shipper{slipway: s, fleet: f, base: "/srv/slipway", servers: s.addServers(f.sites)}
}

func (s *shipper) contender() contender {
	return contender{
		name: "slipway", base: s.base, cpu: ownCPU,
		prepare: s.prepare,
		ship: func(to []site, p shipment) error {
			s.ship(to, p)
			return nil
		},
		end: func(*testing.T) {},
	}
}

// prepare has the package where Slipway takes it from, and cuts connections that
// it may keep: it is to meet the hosts as strangers.
func (s *shipper) prepare(to []site, p shipment) {
	s.t.Helper()
	s.upload("ship", p.version, "ship.tar.gz", p.archive)
	s.fleet.cut(to)
}

func (s *shipper) ship(to []site, p shipment) deployment {
	s.t.Helper()
	defer s.profile(p.version)()
	return s.succeed(s.order(map[string]any{
		"application": "ship", "version": p.version, "servers": s.servers[:len(to)], "path": s.base,
	}))
}

func (s *shipper) rollBack(d deployment) {
	s.t.Helper()
	defer s.profile("rollback." + d.ID)()
	s.call("POST", "/v1/deployments/"+d.ID+"/rollback", map[string]any{}, &d)
	s.succeed(d)
}

// profile notes where this process spends its CPU until stop is called, if there
// is a directory for it.
func (s *shipper) profile(name string) (stop func()) {
	s.t.Helper()
	if *profiles == "" {
		return func() {}
	}
	file, err := os.Create(filepath.Join(*profiles, name+".pprof"))
	require.NoError(s.t, err)
	require.NoError(s.t, pprof.StartCPUProfile(file))
	return func() {
		pprof.StopCPUProfile()
		require.NoError(s.t, file.Close())
	}
}
