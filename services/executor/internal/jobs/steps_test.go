package jobs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

func TestCleaningUpGoesAlongWithTheSwitchWhereNothingIsBetween(t *testing.T) {
	hook := func(step deploy.Step, rollback bool) *contract.Work {
		return &contract.Work{Hooks: []contract.Hook{{Step: string(step), Command: "true", Rollback: rollback}}}
	}
	app := contract.Application{Path: "apps/web", Keep: 5}
	for name, c := range map[string]struct {
		work               *contract.Work
		app                contract.Application
		onDeploy, rollback bool
	}{
		"nothing":            {nil, app, true, true},
		"a hook before":      {hook(deploy.StepBefore, true), app, true, true},
		"a hook during":      {hook(deploy.StepDuring, true), app, false, false},
		"a hook after":       {hook(deploy.StepAfter, true), app, false, false},
		"not on rollbacks":   {hook(deploy.StepAfter, false), app, false, true},
		"a restart":          {&contract.Work{Restart: &contract.Restart{}}, app, false, false},
		"a check":            {&contract.Work{Checks: []contract.HostCheck{{}}}, app, false, false},
		"a link":             {&contract.Work{Link: "app"}, app, false, false},
		"releases to remove": {nil, contract.Application{Path: "apps/web", Keep: 5, Remove: []string{"v0"}}, false, false},
		"an invalid clean":   {nil, contract.Application{Path: "apps/web", Keep: 0}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &attempt{
				plan: plan{app: c.app, work: c.work, from: "v1", to: "v0"}, deployment: "d",
				fence:   hostcmd.Fence{Installation: "i", Token: 1, Wait: time.Second},
				release: hostcmd.Release{Base: c.app.Path, Version: "v1", Digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
			}
			for kind, along := range map[deploy.Kind]bool{deploy.KindDeploy: c.onDeploy, deploy.KindRollback: c.rollback} {
				a.kind = kind
				command, err := a.switchAndClean()
				require.NoError(t, err)
				require.Equal(t, along, command.Then != nil, kind)
			}
		})
	}
}
