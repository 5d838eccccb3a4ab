package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestAServerBehindTwoOthersIsDeployedToAsItWasWhenThatWasAskedFor(t *testing.T) {
	t.Parallel()
	f := startFleet(t, fleetSize{schedulers: 1})
	var chain []*hosttest.Host
	for range 3 { // each with a key of its own
		chain = append(chain, hosttest.Start(t, 1)...)
	}
	edge := specOf(chain[0])
	delete(edge, "host_key")
	edge["first_contact"] = true
	door := f.add(t, edge)
	before := chain[0].Name
	for _, h := range chain[1:] {
		behind := specOf(h)
		behind["jump_host"] = before
		before = f.add(t, behind).Name
	}
	web := chain[2].Name
	f.uploadVersions(t, 1<<10, "v1", "v2")

	first := f.deploy(t, order{Application: app, Version: "v1", Servers: []string{web}})
	f.change(t, door.ID, spec{"port": 1}) // which the deployment does not notice
	f.newExecutor().start()
	f.succeed(t, first.ID)
	requireRuns(t, chain[2], "v1")
	require.Empty(t, runs(t, chain[1], appPath), "nothing is deployed to a jump host")

	second := f.deploy(t, order{Application: app, Version: "v2", Servers: []string{web}})
	require.Equal(t, "failed", f.await(t, second.ID, 3*time.Minute).State)
	failure := f.targets(t, second.ID)[web].Failure
	require.Equal(t, "unreachable", failure.Code)
	require.True(t, strings.HasPrefix(failure.Reason, `jump host "`+chain[0].Name+`"`), failure.Reason)
	requireRuns(t, chain[2], "v1")

	f.change(t, door.ID, spec{"port": chain[0].Port})
	f.succeed(t, f.deploy(t, order{Application: app, Version: "v2", Servers: []string{web}}).ID)
	requireRuns(t, chain[2], "v2")
}
