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
	fleet     *fleet
	base      string
	servers   []string // all of the fleet
	profiling bool
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
	s.store(p)
	s.fleet.cut(to)
}

func (s *shipper) store(p shipment) {
	s.t.Helper()
	s.upload("ship", p.version, "ship.tar.gz", p.archive)
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

// rehearse does what is to be measured once before, as the first time takes longer. If there
// is a directory for it, it is noted where this process spends its CPU meanwhile: to note that
// takes time itself, so it is not done while anything is measured.
func (s *shipper) rehearse(do func()) {
	s.t.Helper()
	s.profiling = *profiles != ""
	do()
	s.profiling = false
}

// profile notes where this process spends its CPU until stop is called, in a rehearsal.
func (s *shipper) profile(name string) (stop func()) {
	s.t.Helper()
	if !s.profiling {
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
