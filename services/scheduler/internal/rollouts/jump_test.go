package rollouts

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAJobCarriesItsJumpHostsThereAndBack(t *testing.T) {
	s := newSystem(t)
	s.replica()
	edge, inner := contract.Hop{Host: "edge", Credential: "sealed"}, contract.Hop{Host: "inner", HostKey: "key"}
	targets := servers("h", 3)
	targets[0].Via, targets[1].Via = []contract.Hop{edge, inner}, []contract.Hop{edge}
	var (
		mu   sync.Mutex
		seen = map[string][]contract.Hop{}
	)
	s.executors(func(m contract.Message) deploy.State {
		mu.Lock()
		defer mu.Unlock()
		switch b := m.Body.(type) {
		case contract.DeployJob:
			seen[m.Host] = b.Target.Via
		case contract.RollbackJob:
			seen[m.Host+" back"] = b.Target.Via
		}
		if m.Host == "h2" {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	id := s.deployAs(targets, contract.Policy{
		Strategy: contract.Strategy{Type: "serial"}, Failures: contract.Failures{Total: "0", Then: "rollback"},
	})
	by, _ := s.revertOf(id)
	require.Equal(t, "succeeded", s.conclusion(by).State)
	require.Equal(t, map[string][]contract.Hop{
		"h0": {edge, inner}, "h1": {edge}, "h2": nil, "h0 back": {edge, inner}, "h1 back": {edge},
	}, seen)
}
