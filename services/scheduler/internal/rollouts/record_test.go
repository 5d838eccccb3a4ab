package rollouts

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAnInitHasAHostKnowThePrograms(t *testing.T) {
	app := contract.Application{Name: "shop", Path: "apps/shop", Keep: 3}
	programs := contract.Programs{Content: "[program:shop]", Socket: "/run/supervisor.sock"}
	limits := &contract.JobLimits{Step: 1000}
	raw, err := contract.Encode(contract.Envelope{Deployment: "d"}, contract.InitCommand{
		Rollout:  contract.Rollout{Application: app, Policy: contract.Policy{Limits: limits}, Actor: "ci"},
		Programs: programs,
	})
	require.NoError(t, err)
	o, err := readOrder(raw)
	require.NoError(t, err)
	target := contract.Target{Host: "h"}
	require.Equal(t, contract.InitJob{Application: app, Programs: programs, Target: target, Limits: limits}, o.task("", target))
	said := o.accepted(deploy.Rollout{})
	require.Equal(t, "init", said.Kind)
	require.Equal(t, "shop", said.Application)
	require.Empty(t, said.Version)
}
